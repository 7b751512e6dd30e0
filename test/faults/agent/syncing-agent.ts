/**
 * The least program that syncs a bot: state and log, as they change, until SIGTERM. It has nothing around the syncing that
 * could hide a fault of it, and waits for nothing.
 *
 * Tells in lines of JSON on stdout what it does. Exit codes: 0 all is stored; 1 the state cannot be read; 2 the end
 * could not be stored; 3 superseded.
 */
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../src/agent/agent-error.ts';
import { decodeAgentLimits } from '../../../src/agent/agent-limits.ts';
import { LogSync } from '../../../src/agent/logs/log-sync.ts';
import { StateUnreadable } from '../../../src/agent/state/restore.ts';
import { stateLimits } from '../../../src/agent/state/state-limits.ts';
import { StateSync } from '../../../src/agent/state/state-sync.ts';
import { lastRetry } from '../../../src/agent/store-retry.ts';
import { DEFAULT_BUCKETS } from '../../../src/storage/object-store.ts';
import { retryRead } from '../../../src/storage/retry.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { DEFAULT_S3_LIMITS } from '../../../src/storage/s3-api/s3-limits.ts';

const PAUSE_MS = 5;
const FINAL_TRIES = 3;
const MiB = 1024 * 1024;

const given = new Map(Object.entries(process.env));
const option = (name: string): string => {
  const value = given.get(name);
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
};
const { limits } = decodeAgentLimits(option('THE0_AGENT_LIMITS'));
const tell = (event: string, facts: object = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);

const botId = option('BOT_ID');
const root = option('ROOT');
const store = openS3Store(
  {
    endpoint: option('MINIO_ENDPOINT'),
    accessKey: option('MINIO_ACCESS_KEY'),
    secretKey: option('MINIO_SECRET_KEY'),
    ssl: false,
  },
  { ...DEFAULT_S3_LIMITS, silenceMs: limits.storeSilenceMs, callMs: limits.storeCallMs },
);
const state = new StateSync({
  store,
  place: { bucket: DEFAULT_BUCKETS.state, key: `${botId}/state.tar.gz` },
  epoch: Number(option('THE0_INCARNATION')),
  writer: `w${process.pid}x${Date.now()}`,
  directory: join(root, 'state'),
  spoolDirectory: join(root, 'spool'),
  limits: stateLimits(limits, 8_192 * MiB, 10 * MiB),
  fencing: true,
  pids: () => [],
  onNotice: (notice) => tell('notice', notice),
  now: Date.now,
});
const logs = new LogSync({
  store,
  bucket: DEFAULT_BUCKETS.logs,
  botId,
  path: join(root, 'logs', 'bot.log'),
  limits,
  onTrouble: (message) => tell('log-trouble', { message }),
  onDropped: (lines) => tell('log-dropped', { lines }),
});

let stopping = false;
process.once('SIGTERM', () => {
  stopping = true;
});

/** @returns whether it may go on */
async function sync(signal?: AbortSignal): Promise<boolean> {
  const result = await state.sync(null, signal);
  if (result.kind !== 'unchanged') tell('synced', result);
  return result.kind !== 'superseded';
}

async function main(): Promise<number> {
  try {
    const restored = await state.restore();
    tell('restored', { kind: restored.kind });
    if (restored.kind === 'superseded') return 3;
  } catch (error) {
    if (!(error instanceof StateUnreadable)) throw error;
    tell('state-unreadable', { code: error.code, message: error.message });
    return 1;
  }
  logs.start();
  tell('ready');
  while (!stopping) {
    try {
      if (!(await sync())) return 3;
    } catch (error) {
      tell('sync-failed', { message: messageOf(error) });
      await delay(limits.stateFailurePauseCapMs);
    }
    await delay(PAUSE_MS);
  }
  const signal = AbortSignal.timeout(limits.lastStateMs);
  for (let tries = 1; ; tries += 1) {
    try {
      if (!(await retryRead(() => sync(signal), lastRetry(limits), signal))) return 3;
      break;
    } catch (error) {
      tell('last-sync-failed', { message: messageOf(error) });
      if (tries === FINAL_TRIES) return 2;
    }
  }
  return (await logs.finish(limits.lastLogsMs, lastRetry(limits))) ? 0 : 2;
}

process.exit(await main());
