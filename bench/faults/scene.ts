import { identityOf } from '../../src/agent/process-identity.ts';
import { placeBot } from '../../src/supervisor/placement.ts';
import { IDLE_NODE, writeBot } from '../../test/e2e/bot-folders.ts';
import { type RuntimeInProcess, startInProcess } from '../../test/e2e/runtime-in-process.ts';
import { makeFolders, poll, removeFolders } from '../../test/e2e/runtime-under-test.ts';
import { untilAnswered } from '../adoption/answers.ts';
import { processesOf } from '../crash/recovery.ts';

export const SHARDS = ['shard-0', 'shard-1'];
export const QUERY_THREADS = 2;

/** What the runtime told, and when on the clock of `performance.now`. */
export interface Told {
  readonly at: number;
  readonly text: string;
}

/** A runtime in this process with bots that all run and answer, whose threads can be made to die. */
export interface Scene {
  readonly runtime: RuntimeInProcess;
  readonly ids: readonly string[];
  readonly queryUrl: string;
  /** Warnings, and starts as `<botId> starting`. */
  readonly told: readonly Told[];
  onShard(shardId: string): string[];
  /** Waits for something to be told at or after `since`. */
  hear(since: number, text: string): Promise<Told>;
  /** The processes of a bot's own program and its query server; changes when either was started again. */
  processes(botId: string): string;
  botPid(botId: string): number;
  end(): Promise<void>;
}

export async function openScene(botCount: number): Promise<Scene> {
  const folders = await makeFolders();
  // The same names each time, so that each shard has its share each time.
  const ids = Array.from({ length: botCount }, (_, index) => `fault-${index}`);
  for (const id of ids) await writeBot(folders.botsDir, { id, files: IDLE_NODE });
  const told: Told[] = [];
  const tell = (text: string) => told.push({ at: performance.now(), text });
  const runtime = await startInProcess(
    'process',
    folders,
    { shards: String(SHARDS.length), 'query-threads': String(QUERY_THREADS) },
    { transition: ({ botId, to }) => to === 'starting' && tell(`${botId} starting`), warn: tell },
  );
  const queryUrl = runtime.queryUrl;
  const end = async (): Promise<void> => {
    await runtime.stopBots();
    await runtime.close();
    await removeFolders(folders);
  };
  try {
    await Promise.all(ids.map((id) => untilAnswered(queryUrl, id)));
  } catch (error) {
    await end();
    throw error;
  }
  return {
    runtime,
    ids,
    queryUrl,
    told,
    onShard: (shardId) => ids.filter((id) => placeBot(id, SHARDS) === shardId),
    hear: (since, text) =>
      poll(`"${text}"`, async () => told.find((one) => one.at >= since && one.text.includes(text)), 10_000, 1),
    processes: (botId) => {
      const { bot, query } = processesOf(folders, botId);
      return JSON.stringify([identityOf(bot ?? 0), identityOf(query ?? 0)]);
    },
    botPid: (botId) => {
      const { bot } = processesOf(folders, botId);
      if (bot === null) throw new Error(`${botId} has no process`);
      return bot;
    },
    end,
  };
}
