import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AccountNames } from '../../src/storage/minio/account-names.ts';
import { MinioAdmin } from '../../src/storage/minio/admin-api.ts';
import { DEFAULT_BUCKETS, type ObjectPlace } from '../../src/storage/object-store.ts';
import { openS3Client, openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { DEFAULT_S3_LIMITS } from '../../src/storage/s3-api/s3-limits.ts';
import { runCli } from '../commands/run-cli.ts';
import { bridgeGateway } from '../services/docker.ts';
import { startMinio } from '../services/minio.ts';
import { startNats } from '../services/nats.ts';
import { runtimeImage } from '../services/runtime-image.ts';
import { removeContainersIn } from './bad-luck/scene.ts';
import { type BotFiles, writeBot } from './bot-folders.ts';
import { makeFolders, poll, type RuntimeUnderTest, removeFolders, startRuntime } from './runtime-under-test.ts';

const DEADLINE_MS = 60_000;
/** Bots that do not come up are no reason to wait for them. */
const QUICK = ['--start-screen-wait', '0'];

/** An object store and a NATS server that containers reach, and runtimes beside them. */
export interface StoredBots {
  readonly env: Readonly<Record<string, string>>;
  readonly natsUrl: string;
  /** Everything that was published on live logs. */
  liveLog(): string;
  /** A runtime with these bots, which are in the store. */
  runtime(t: TestContext, options: RuntimeOptions): Promise<StoredRuntime>;
  /** One file of a bot's stored state; waits until it is there and `holds`. */
  stateFile(botId: string, name: string, holds: (text: string) => boolean): Promise<string>;
  /** The stored log of a bot, all days; waits until it `holds`. */
  log(bucket: string, botId: string, holds: (text: string) => boolean): Promise<string>;
  /** Removes the bot's own account of the store. */
  removeKeys(botId: string): Promise<void>;
  close(): Promise<void>;
}

interface RuntimeOptions {
  readonly bots: readonly BotFiles[];
  /** Beyond that of the store. */
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

interface StoredRuntime extends RuntimeUnderTest {
  /** A command that must succeed. @returns its output */
  cli(...words: string[]): Promise<string>;
  /** Ends it, leaves its containers, and starts it with another environment. */
  again(env: Readonly<Record<string, string>>): Promise<RuntimeUnderTest>;
}

export async function storedBots(): Promise<StoredBots> {
  const host = await bridgeGateway();
  const [image, minio, nats] = await Promise.all([runtimeImage(), startMinio(undefined, host), startNats(host)]);
  const { endpoint, accessKey, secretKey } = minio.access;
  const store = openS3Store(minio.access);
  const env = {
    MINIO_ENDPOINT: endpoint,
    MINIO_CONTAINER_ENDPOINT: endpoint.replace(host, 'host.docker.internal'),
    MINIO_ACCESS_KEY: accessKey,
    MINIO_SECRET_KEY: secretKey,
    NATS_URL: nats.url.replace(host, 'host.docker.internal'),
    RUNTIME_IMAGE: image,
  };
  const subscriber = await subscribe(nats.url);

  const bytesOf = async (place: ObjectPlace): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    const content = await store.read(place);
    if (content !== null) for await (const chunk of content.body) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  };
  return {
    env,
    natsUrl: env.NATS_URL,
    liveLog: subscriber.text,
    async runtime(t, { bots, env: changes = {}, flags = [] }) {
      const folders = await makeFolders();
      const sources = join(folders.root, 'sources');
      await mkdir(sources);
      const deploy = async (bot: BotFiles) => {
        const source = await writeBot(sources, bot);
        const { code, stderr } = await runCli(['deploy', source, '--bots', folders.botsDir], { env });
        if (code !== 0) throw new Error(stderr);
      };
      await Promise.all(bots.map(deploy));
      const runtimes: RuntimeUnderTest[] = [];
      t.after(async () => {
        // First who would start them again.
        for (const one of runtimes) await one.end('SIGKILL');
        await removeContainersIn(folders);
        await removeFolders(folders);
      });
      const start = async (more: Readonly<Record<string, string>>) => {
        const started = await startRuntime({
          engine: 'docker',
          folders,
          flags: [...QUICK, ...flags],
          env: { ...env, ...more },
        });
        runtimes.push(started);
        return started;
      };
      const runtime = await start(changes);
      return {
        ...runtime,
        async cli(...words) {
          const { code, stdout, stderr } = await runCli([...words, '--data-dir', folders.dataDir]);
          if (code !== 0) throw new Error(stderr);
          return stdout;
        },
        async again(more) {
          await runtime.end('SIGTERM');
          return await start(more);
        },
      };
    },
    async removeKeys(botId) {
      const client = openS3Client(minio.access, DEFAULT_S3_LIMITS);
      await new MinioAdmin(client, secretKey).removeAccount(new AccountNames(DEFAULT_BUCKETS.state).accessKeyOf(botId));
      client.close();
    },
    async stateFile(botId, name, holds) {
      const place = { bucket: DEFAULT_BUCKETS.state, key: `${botId}/state.tar.gz` };
      return await poll(
        `${name} in the stored state of ${botId}`,
        async () => {
          const text = await extract(await bytesOf(place), name);
          return text !== null && holds(text) ? text : undefined;
        },
        DEADLINE_MS,
        100,
      );
    },
    async log(bucket, botId, holds) {
      return await poll(
        `the stored log of ${botId}`,
        async () => {
          const days: string[] = [];
          for await (const { key } of store.list(bucket, `logs/${botId}/`)) {
            days.push((await bytesOf({ bucket, key })).toString('utf8'));
          }
          const text = days.join('');
          return holds(text) ? text : undefined;
        },
        DEADLINE_MS,
        100,
      );
    },
    async close() {
      subscriber.close();
      store.close();
      await Promise.all([minio.stop(), nats.remove()]);
    },
  };
}

/** With GNU tar, which is not ours. Null: not in it, or there is no archive. */
async function extract(archive: Buffer, name: string): Promise<string | null> {
  if (archive.length === 0) return null;
  const tar = spawn('tar', ['-xzOf', '-', name], { stdio: ['pipe', 'pipe', 'ignore'] });
  let text = '';
  tar.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  tar.stdin.on('error', () => undefined);
  tar.stdin.end(archive);
  await once(tar, 'close');
  return tar.exitCode === 0 ? text : null;
}

async function subscribe(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.write('CONNECT {"verbose":false}\r\nSUB the0.bot.logs.> 1\r\nPING\r\n');
  await poll('the subscription', async () => text.includes('PONG') || undefined, DEADLINE_MS);
  return { text: () => text, close: () => socket.destroy() };
}
