import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Document } from 'mongodb';
import { copyServices, SERVICE_ENV, SERVICE_NODE_FLAGS } from '../../images/services.ts';
import { BOT_RUNNER } from '../../src/commands/roles.ts';
import { type Runtime, type RuntimeReporter, startRuntime } from '../../src/commands/runtime.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { botsOf } from '../../src/desired/mongodb/collections.ts';
import { packCode } from '../../src/storage/code-archive/pack.ts';
import { bodyOf, DEFAULT_BUCKETS, type ObjectStore } from '../../src/storage/object-store.ts';
import { Deployment } from '../../test/e2e/services/deployment.ts';

/** One archive for all bots: each has keys of its own all the same. */
const CODE = 'user/bench/1.0.0';

/** Lives, and answers what the load of bench/query asks. */
const FILES = {
  'main.js': 'exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n',
  'query.js': `const { query } = require('@alexanderwanyoike/the0-node');
query.handler('/status', () => ({ position: 3, symbol: 'BTC/USD', prices: [1.5, 2.5, 3.5] }));
query.run();\n`,
};

export interface BenchBot {
  readonly id: string;
  /** Whether its query server runs, too. */
  readonly query?: boolean;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly schedule?: string;
  /** One that nobody knows keeps the bot from running. */
  readonly runtime?: string;
}

/** MongoDB, NATS and MinIO of their own, with the code of idle bots in the store; roles as in the image. Gone when `use` is done. */
export async function withServices<Result>(
  use: (deployment: Deployment) => Promise<Result>,
  mongoDb: Parameters<typeof Deployment.begin>[0] = {},
): Promise<Result> {
  const shipped = await mkdtemp(join(tmpdir(), 'the0-shipped-'));
  const deployment = await Deployment.begin(mongoDb);
  try {
    copyServices(shipped, join(shipped, 'node_modules'));
    deployment.program = { words: [...SERVICE_NODE_FLAGS, join(shipped, 'src/commands/main.js')], env: SERVICE_ENV };
    await storeCode(deployment.store);
    return await use(deployment);
  } finally {
    await deployment.end();
    await rm(shipped, { recursive: true, force: true });
  }
}

/** As the API publishes it, and but for a few fields as it stands in MongoDB. */
export function botOf({ id, query = false, config = {}, schedule, runtime = 'nodejs20' }: BenchBot) {
  const type = schedule === undefined ? 'realtime' : 'scheduled';
  const entrypoints = { bot: 'main.js', ...(query ? { query: 'query.js' } : {}) };
  return {
    id,
    config: { ...config, ...(schedule === undefined ? {} : { schedule }) },
    custom: {
      version: '1.0.0',
      filePath: CODE,
      createdAt: '2026-01-02T03:04:05Z',
      updatedAt: '2026-01-02T03:04:05Z',
      config: { name: id, version: '1.0.0', type, runtime, entrypoints },
    },
  };
}

/** So many names, which no other run of a benchmark has. */
export function idsOf(what: string, count: number): string[] {
  return Array.from({ length: count }, (_, nth) => `bench-${process.pid}-${what}-${nth}`);
}

export async function insert({ client }: Deployment, bots: readonly BenchBot[]): Promise<void> {
  const documents: Document[] = bots.map(botOf);
  const kind = bots[0]?.schedule === undefined ? 'realtime' : 'scheduled';
  await botsOf(client, kind).insertMany(documents);
}

/** The real `bot-runner` inside this process, where its calls of Docker can be seen. */
export async function runnerInProcess(
  deployment: Deployment,
  flags: Readonly<Record<string, string>>,
  reporter: Partial<RuntimeReporter>,
): Promise<Runtime> {
  const all = { 'data-dir': deployment.newPlace(), 'health-port': '0', ...flags };
  const { settings } = loadSettings({ ...process.env, ...deployment.env }, all, BOT_RUNNER.defaults);
  const silent = { transition: () => {}, warn: () => {}, ended: () => {}, failed: () => {} };
  return await startRuntime(settings, BOT_RUNNER, { ...silent, ...reporter });
}

async function storeCode(store: ObjectStore): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'the0-bench-code-'));
  try {
    const folder = join(directory, 'code');
    await mkdir(folder);
    const listed = [];
    for (const [path, content] of Object.entries(FILES)) {
      await writeFile(join(folder, path), content);
      listed.push({ path, sizeBytes: (await stat(join(folder, path))).size, executable: false });
    }
    const archive = join(directory, 'code.zip');
    await packCode(folder, listed, archive);
    const place = { bucket: DEFAULT_BUCKETS.code, key: CODE };
    await store.write(place, bodyOf(await readFile(archive)), { condition: null, contentType: 'application/zip' });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
