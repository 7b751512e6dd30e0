import { setTimeout as delay } from 'node:timers/promises';
import type { AdminClient } from '../admin/admin-client.ts';
import type { BotReport } from '../admin/wire.ts';

const POLL_MS = 150;
/** A command that changes nothing (the bot is disabled, or blocks again for the same cause) shows no new state to wait for. */
const UNCHANGED_PATIENCE_MS = 3000;

const SETTLED: ReadonlySet<string> = new Set(['running', 'idle', 'backing-off', 'blocked', 'stopped']);

/**
 * Waits until what was asked of a bot has come to something: a state that stays, newer than `before`.
 * @returns the bot as it is then, or after `waitMs`
 */
export async function awaitOutcome(client: AdminClient, before: BotReport, waitMs: number): Promise<BotReport> {
  const started = performance.now();
  let changed = false;
  for (;;) {
    const { bot } = await client.why(before.id);
    changed ||= bot.since !== before.since || bot.reason.at !== before.reason.at || bot.state !== before.state;
    const waitedMs = performance.now() - started;
    if (SETTLED.has(bot.state) && (changed || waitedMs > UNCHANGED_PATIENCE_MS)) return bot;
    if (waitedMs > waitMs) return bot;
    await delay(POLL_MS);
  }
}
