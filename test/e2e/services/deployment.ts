import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { MongoClient } from 'mongodb';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { deploymentId } from '../../../src/desired/mongodb/deployment-id.ts';
import { DEFAULT_BUCKETS, type ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { runCli } from '../../commands/run-cli.ts';
import { MONGO_LIMITS } from '../../desired/mongodb/bot-documents.ts';
import { EventPublisher } from '../../desired/nats/events.ts';
import { bridgeGateway, docker, removeContainersOf } from '../../services/docker.ts';
import { type MinioServer, startMinio } from '../../services/minio.ts';
import { type MongoServer, startMongo } from '../../services/mongodb.ts';
import { type NatsServer, startNats } from '../../services/nats.ts';
import { runtimeImage } from '../../services/runtime-image.ts';
import { type BotFiles, botJson, writeBot } from '../bot-folders.ts';
import { poll, post } from '../runtime-under-test.ts';

const MAIN = resolve(import.meta.dirname, '../../../src/commands/main.ts');
const DEADLINE_MS = 90_000;

export type RoleName = 'bot-runner' | 'bot-scheduler' | 'query-server';

/** One service as a process. */
export interface Service {
  readonly process: ChildProcess;
  readonly dataDir: string;
  readonly output: () => string;
  /** Of what it told when it began to run. */
  readonly queryUrl: string | null;
  readonly healthUrl: string | null;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  /** Waits until it ends by itself. @returns the exit code */
  ended(): Promise<number | null>;
  /** Waits until it has printed this. */
  prints(pattern: RegExp): Promise<void>;
}

/** The facts of a container by which one tells whether it was touched. */
export interface ContainerFacts {
  readonly id: string;
  readonly startedAt: string;
}

interface Program {
  /** Arguments of Node, before those of the role. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** MongoDB, NATS and MinIO of their own, and the API's part of the work. */
export class Deployment {
  readonly mongo: MongoServer;
  readonly nats: NatsServer;
  readonly minio: MinioServer;
  readonly store: ObjectStore;
  readonly api: EventPublisher;
  readonly client: MongoClient;
  readonly instance: string;
  readonly #root: string;
  readonly env: Readonly<Record<string, string>>;
  /** What starts a role. */
  program: Program = { words: [MAIN], env: {} };
  readonly #services: Service[] = [];
  #places = 0;

  private constructor(
    parts: Pick<Deployment, 'mongo' | 'nats' | 'minio' | 'store' | 'api' | 'client' | 'instance'>,
    root: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.mongo = parts.mongo;
    this.nats = parts.nats;
    this.minio = parts.minio;
    this.store = parts.store;
    this.api = parts.api;
    this.client = parts.client;
    this.instance = parts.instance;
    this.#root = root;
    this.env = env;
  }

  /** @param mongoDb of the server of MongoDB's protocol; data that outlive a stop make it much slower */
  static async begin(mongoDb: Parameters<typeof startMongo>[0] = { keep: true }): Promise<Deployment> {
    const host = await bridgeGateway();
    const [image, minio, nats, mongo, root] = await Promise.all([
      runtimeImage(),
      startMinio(undefined, host),
      startNats(host),
      startMongo(mongoDb),
      mkdtemp(join(tmpdir(), 'the0-services-')),
    ]);
    const { endpoint, accessKey, secretKey } = minio.access;
    const store = openS3Store(minio.access);
    await store.createBucket(DEFAULT_BUCKETS.code);
    const api = await EventPublisher.connect(nats.url);
    await api.makeStream();
    const client = await connectMongo(mongo.uri, MONGO_LIMITS);
    const env = {
      MONGO_URI: mongo.uri,
      NATS_URL: nats.url,
      // As containers reach it.
      NATS_LOGS_URL: nats.url.replace(host, 'host.docker.internal'),
      MINIO_ENDPOINT: endpoint,
      MINIO_CONTAINER_ENDPOINT: endpoint.replace(host, 'host.docker.internal'),
      MINIO_ACCESS_KEY: accessKey,
      MINIO_SECRET_KEY: secretKey,
      RUNTIME_IMAGE: image,
    };
    const instance = await deploymentId(client);
    return new Deployment({ mongo, nats, minio, store, api, client, instance }, root, env);
  }

  /** Starts a role and waits until it runs. */
  async start(role: RoleName, flags: readonly string[] = [], dataDir = this.newPlace()): Promise<Service> {
    // Whoever takes over from the Go runtime takes all of its containers on this engine, those of other tests too.
    const alone = ['--take-over', 'none'];
    const words = [role, '--data-dir', dataDir, '--health-port', '0', '--query-port', '0', ...alone, ...flags];
    const child = spawn(process.execPath, [...this.program.words, ...words], {
      cwd: this.#root,
      env: { ...process.env, ...this.env, ...this.program.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text = (text + chunk).slice(-1_000_000);
      });
    }
    const runs = await poll(
      `${role} to run`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${role} ended with ${child.exitCode}: ${text}`);
        return lineWith(text, `${role} runs.`);
      },
      DEADLINE_MS,
    ).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw new Error(`${String(error)}\n${text.slice(-3_000)}`);
    });
    const { queryUrl, healthPort } = runs;
    const service: Service = {
      process: child,
      dataDir,
      output: () => text,
      queryUrl: typeof queryUrl === 'string' ? queryUrl : null,
      healthUrl: typeof healthPort === 'number' ? `http://127.0.0.1:${healthPort}` : null,
      async end(signal) {
        if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
        const ended = once(child, 'exit');
        child.kill(signal);
        await ended;
        return child.exitCode;
      },
      async ended() {
        await poll(`${role} to end`, async () => child.exitCode !== null || undefined, DEADLINE_MS);
        return child.exitCode;
      },
      async prints(pattern) {
        await poll(`${role} to print ${pattern}`, async () => pattern.test(text) || undefined, DEADLINE_MS);
      },
    };
    this.#services.push(service);
    return service;
  }

  newPlace(): string {
    this.#places += 1;
    return join(this.#root, `data-${this.#places}`);
  }

  /** What the API does with a bot: its code into the store, and the event. */
  async publish(change: 'created' | 'updated', bot: BotFiles & { readonly schedule?: string }): Promise<void> {
    const { id, schedule } = bot;
    const filePath = `user/${id}/1.0.0`;
    if (change === 'created') await this.#upload(bot);
    const isScheduled = schedule !== undefined;
    const json = botJson(bot);
    const { config: about, version } = json.custom;
    await this.api.publish(`${isScheduled ? 'bot-schedule' : 'bot'}.${change}`, {
      id,
      config: { ...json.config, ...(isScheduled ? { schedule } : {}) },
      custom: {
        version,
        filePath,
        createdAt: '2026-01-02T03:04:05Z',
        updatedAt: '2026-01-02T03:04:05Z',
        config: { ...about, version, type: isScheduled ? 'scheduled' : 'realtime' },
      },
    });
  }

  async publishDeleted(id: string, kind: 'bot' | 'bot-schedule' = 'bot'): Promise<void> {
    await this.api.publish(`${kind}.deleted`, { id, config: {} });
  }

  /** A command of the CLI against one service. @returns its output */
  async cli(service: Service, ...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCli([...words, '--data-dir', service.dataDir]);
    if (code !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
    return stdout;
  }

  async ask(service: Service, botId: string, path: string, params: Record<string, unknown> = {}) {
    if (service.queryUrl === null) throw new Error('it answers no queries');
    return await post(`${service.queryUrl}/query`, { bot_id: botId, query_path: path, params, timeout_sec: 30 });
  }

  /** Waits until exactly one container of this bot runs. */
  async running(botId: string): Promise<ContainerFacts> {
    return await poll(
      `a container of ${botId}`,
      async () => {
        const facts = await this.containers(botId);
        const [only] = facts;
        return facts.length === 1 && only !== undefined ? only : undefined;
      },
      DEADLINE_MS,
    );
  }

  /** Running ones of this bot itself, not of questions to it. */
  async containers(botId: string): Promise<ContainerFacts[]> {
    const found = await docker.listContainers({
      filters: { label: [`the0.instance=${this.instance}`, `runtime.id=${botId}`, 'the0.role=bot'] },
    });
    const facts = await Promise.all(
      found.map(async ({ Id }) => {
        const { State } = await docker.getContainer(Id).inspect();
        return { id: Id, startedAt: State.StartedAt };
      }),
    );
    return facts;
  }

  async end(): Promise<void> {
    for (const service of this.#services) await service.end('SIGKILL');
    await removeContainersOf(this.instance);
    await this.api.close();
    await this.client.close();
    this.store.close();
    await Promise.all([this.mongo.remove(), this.nats.remove(), this.minio.stop()]);
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }

  /** As `deploy` packs it. */
  async #upload(bot: BotFiles): Promise<void> {
    const sources = join(this.#root, 'sources', bot.id);
    const entries = join(this.#root, 'entries', bot.id);
    await mkdir(entries, { recursive: true });
    const source = await writeBot(sources, bot);
    const words = ['deploy', source, '--bots', entries, '--owner', 'user'];
    const { code, stderr } = await runCli(words, { env: this.env });
    if (code !== 0) throw new Error(stderr);
  }
}

function lineWith(text: string, message: string): Record<string, unknown> | undefined {
  const line = text.split('\n').find((one) => one.includes(`"msg":${JSON.stringify(message)}`));
  if (line === undefined) return undefined;
  const json: unknown = JSON.parse(line);
  return typeof json === 'object' && json !== null ? { ...json } : undefined;
}
