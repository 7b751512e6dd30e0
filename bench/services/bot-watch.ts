import type { Runtime } from '../../src/commands/runtime.ts';
import { poll } from '../../test/e2e/runtime-under-test.ts';

const PATIENCE_MS = 60_000;

/** Waits until the bot runs. */
export async function running({ supervisor }: Runtime, botId: string): Promise<void> {
  const isRunning = async () => {
    const bots = await supervisor.list();
    return bots.find(({ id }) => id === botId)?.state === 'running' || undefined;
  };
  await poll(`${botId} to run`, isRunning, PATIENCE_MS);
}

/** Waits until nothing of it is left, whether it is desired or not. */
export async function stopped({ supervisor }: Runtime, botId: string): Promise<void> {
  const isGone = async () => {
    const bot = (await supervisor.list()).find(({ id }) => id === botId);
    return bot === undefined || (bot.state === 'stopped' && bot.containerId === null) || undefined;
  };
  await poll(`${botId} to be gone`, isGone, PATIENCE_MS);
}
