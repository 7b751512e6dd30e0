import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentLimits } from '../../../src/agent/agent-limits.ts';
import { restoreState } from '../../../src/agent/state/restore-state.ts';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import type { Buckets, ObjectPlace, ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { bucketVariables, endSharedMinio, ownBuckets, sharedMinio } from '../../services/shared-minio.ts';
import { type AgentOptions, AgentProcess, agentLimitsOf } from '../agent-process.ts';

const BOT = 'bot-1';
const DEADLINE_MS = 60_000;
const RETRY = { attempts: 10, firstPauseMs: 50, longestPauseMs: 500, random: Math.random };
const QUICK = { stateSettleMs: 20, logFlushMs: 100, storeRetryMs: 10 };

/** A real store, and agents of one bot on it. */
export interface StoredBot {
  readonly store: ObjectStore;
  readonly buckets: Buckets;
  /** Where its state is. */
  readonly place: ObjectPlace;
  /** As the launcher would pass them. */
  readonly secrets: string;
  start(options: Partial<AgentOptions> & { limits?: Partial<AgentLimits> }): Promise<AgentProcess>;
  /** The content of one file of the stored state; null: it is not there. */
  stateFile(name: string): Promise<string | null>;
  /** The stored log of today, in lines; `[]` when there is none. */
  logLines(): Promise<unknown[]>;
  /** Waits until the stored state has this. */
  stored(name: string, content: string | null): Promise<void>;
  /** The server is gone; its data are, too. */
  stopServer(): Promise<void>;
}

export async function storedBot(t: TestContext, buckets: Buckets = ownBuckets()): Promise<StoredBot> {
  const { access } = await sharedMinio();
  const store = openS3Store(access);
  const root = mkdtempSync(join(tmpdir(), 'the0-stored-'));
  t.after(() => {
    store.close();
    rmSync(root, { recursive: true, force: true });
  });
  for (const bucket of Object.values(buckets)) await store.createBucket(bucket);
  const { endpoint, accessKey, secretKey } = access;
  const told = {
    MINIO_ENDPOINT: endpoint,
    MINIO_ACCESS_KEY: accessKey,
    MINIO_SECRET_KEY: secretKey,
    ...bucketVariables(buckets),
  };
  const secrets = Object.entries(told)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
  const place = { bucket: buckets.state, key: `${BOT}/state.tar.gz` };
  let looks = 0;

  const stateFile = async (name: string): Promise<string | null> => {
    const directory = join(root, `look-${++looks}`);
    mkdirSync(directory);
    const options = { sessionFile: null, limits: DEFAULT_STATE_LIMITS, retry: RETRY };
    await restoreState({ store, place, epoch: Number.MAX_SAFE_INTEGER, directory, ...options });
    return readFile(join(directory, name), 'utf8').catch(() => null);
  };
  const logLines = async (): Promise<unknown[]> => {
    const lines: unknown[] = [];
    for await (const { key } of store.list(buckets.logs, `logs/${BOT}/`)) {
      const content = await store.read({ bucket: buckets.logs, key });
      const chunks: Buffer[] = [];
      if (content !== null) for await (const chunk of content.body) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8').trimEnd();
      for (const line of text.split('\n')) if (line !== '') lines.push(JSON.parse(line));
    }
    return lines;
  };
  return {
    store,
    buckets,
    place,
    secrets,
    stateFile,
    logLines,
    stopServer: endSharedMinio,
    start: ({ limits, env, ...options }) =>
      AgentProcess.start(t, {
        files: {},
        secrets,
        ...options,
        env: { THE0_AGENT_LIMITS: agentLimitsOf({ ...QUICK, ...limits }), ...env },
      }),
    stored: async (name, content) => {
      const giveUpAt = performance.now() + DEADLINE_MS;
      for (let found = await stateFile(name); found !== content; found = await stateFile(name)) {
        if (performance.now() > giveUpAt) throw new Error(`the stored ${name} is still ${JSON.stringify(found)}`);
        await delay(50);
      }
    },
  };
}

/** The messages of stored lines. */
export function messagesOf(lines: readonly unknown[]): unknown[] {
  return lines.map((line) =>
    typeof line === 'object' && line !== null && 'message' in line ? line.message : JSON.stringify(line),
  );
}
