import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { MongoClient } from 'mongodb';
import { connectMongo } from '../../../src/desired/mongodb/connect.ts';
import { deploymentId } from '../../../src/desired/mongodb/deployment-id.ts';
import { DEFAULT_BUCKETS } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { runCli } from '../../commands/run-cli.ts';
import { MONGO_LIMITS } from '../../desired/mongodb/bot-documents.ts';
import { EventPublisher } from '../../desired/nats/events.ts';
import { writeBot } from '../../e2e/bot-folders.ts';
import { bridgeGateway, removeContainersOf } from '../../services/docker.ts';
import { freePort } from '../../services/free-port.ts';
import { type MinioServer, startMinio } from '../../services/minio.ts';
import { type MongoServer, startMongo } from '../../services/mongodb.ts';
import { type NatsServer, startNats } from '../../services/nats.ts';
import { runtimeImage } from '../../services/runtime-image.ts';
import { CODES, type Code } from './code.ts';
import { ContainerHistory } from './container-history.ts';
import { type RoleName, RoleProcess } from './role-process.ts';
import { ServiceProxy } from './service-proxy.ts';

const DOCKER_SOCKET = '/var/run/docker.sock';
const CONTAINERS_SEE_HOST = 'host.docker.internal';

export type ServiceName = 'mongo' | 'nats' | 'minio' | 'docker';

/**
 * MongoDB, NATS, MinIO and Docker as one deployment has them. The runtime and the bots reach them through proxies, the API
 * and whoever looks reach them directly.
 */
export class ServicesStage {
  readonly mongo: MongoServer;
  readonly nats: NatsServer;
  readonly minio: MinioServer;
  readonly api: EventPublisher;
  readonly client: MongoClient;
  readonly history: ContainerHistory;
  readonly proxies: Readonly<Record<ServiceName, ServiceProxy>>;
  readonly #instance: string;
  readonly #root: string;
  readonly #env: Readonly<Record<string, string>>;
  #places = 0;

  private constructor(parts: StageParts) {
    this.mongo = parts.mongo;
    this.nats = parts.nats;
    this.minio = parts.minio;
    this.api = parts.api;
    this.client = parts.client;
    this.history = parts.history;
    this.proxies = parts.proxies;
    this.#instance = parts.instance;
    this.#root = parts.root;
    this.#env = parts.env;
  }

  static async open(): Promise<ServicesStage> {
    const host = await bridgeGateway();
    const [image, minio, nats, mongo, root] = await Promise.all([
      runtimeImage(),
      startMinio(undefined, host),
      startNats(host),
      startMongo({ keep: true }),
      mkdtemp(join(tmpdir(), 'the0-services-')),
    ]);
    const [mongoPort, natsPort, minioPort] = [await freePort(), await freePort(), await freePort()];
    const socket = join(root, 'docker.sock');
    const engine = (process.env['DOCKER_HOST'] ?? `unix://${DOCKER_SOCKET}`).replace(/^unix:\/\//, '');
    const [mongoProxy, natsProxy, minioProxy, dockerProxy] = await Promise.all([
      ServiceProxy.start({ host: '127.0.0.1', port: mongo.port }, { host: '127.0.0.1', port: mongoPort }),
      ServiceProxy.start({ host, port: Number(new URL(nats.url).port) }, { host, port: natsPort }),
      ServiceProxy.start({ host, port: portOf(minio.access.endpoint) }, { host, port: minioPort }),
      ServiceProxy.start({ path: engine }, { path: socket }),
    ]);
    const { accessKey, secretKey } = minio.access;
    const env = {
      MONGO_URI: `mongodb://127.0.0.1:${mongoPort}`,
      NATS_URL: `nats://${host}:${natsPort}`,
      NATS_LOGS_URL: `nats://${CONTAINERS_SEE_HOST}:${natsPort}`,
      MINIO_ENDPOINT: `${host}:${minioPort}`,
      MINIO_CONTAINER_ENDPOINT: `${CONTAINERS_SEE_HOST}:${minioPort}`,
      MINIO_ACCESS_KEY: accessKey,
      MINIO_SECRET_KEY: secretKey,
      RUNTIME_IMAGE: image,
      DOCKER_HOST: `unix://${socket}`,
    };
    const store = openS3Store(minio.access);
    await store.createBucket(DEFAULT_BUCKETS.code);
    store.close();
    const api = await EventPublisher.connect(nats.url);
    await api.makeStream();
    const client = await connectMongo(mongo.uri, MONGO_LIMITS);
    const instance = await deploymentId(client);
    const history = await ContainerHistory.follow(instance);
    const proxies = { mongo: mongoProxy, nats: natsProxy, minio: minioProxy, docker: dockerProxy };
    const stage = new ServicesStage({ mongo, nats, minio, api, client, history, proxies, instance, root, env });
    try {
      for (const code of CODES) await stage.#deploy(code, minio.access.endpoint);
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** Begins it, and waits for nothing. */
  begin(role: RoleName, dataDir: string): RoleProcess {
    return new RoleProcess(role, dataDir, this.#root, this.#env);
  }

  newPlace(): string {
    this.#places += 1;
    return join(this.#root, `data-${this.#places}`);
  }

  /** All is well again with all services. */
  async calm(): Promise<void> {
    for (const proxy of Object.values(this.proxies)) proxy.weather = 'fair';
    await this.mongo.start();
    await this.nats.start();
    for (const { pid } of [this.mongo, this.nats, this.minio]) process.kill(pid, 'SIGCONT');
  }

  async close(): Promise<void> {
    await this.calm();
    this.history.close();
    await removeContainersOf(this.#instance);
    await this.api.close();
    await this.client.close();
    await Promise.all(Object.values(this.proxies).map((proxy) => proxy.close()));
    await Promise.all([this.mongo.remove(), this.nats.remove(), this.minio.stop()]);
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }

  get instance(): string {
    return this.#instance;
  }

  /** For a command of the CLI, past the proxies. */
  get env(): Readonly<Record<string, string>> {
    return { ...this.#env, MONGO_URI: this.mongo.uri, MINIO_ENDPOINT: this.minio.access.endpoint };
  }

  async #deploy({ id, files, entrypoints }: Code, endpoint: string): Promise<void> {
    const entries = join(this.#root, 'entries', id);
    await mkdir(entries, { recursive: true });
    const source = await writeBot(join(this.#root, 'sources'), { id, files, entrypoints });
    const env = { ...this.#env, MINIO_ENDPOINT: endpoint };
    const { code, stderr } = await runCli(['deploy', source, '--bots', entries, '--owner', 'user'], { env });
    if (code !== 0) throw new Error(stderr);
  }
}

interface StageParts {
  readonly mongo: MongoServer;
  readonly nats: NatsServer;
  readonly minio: MinioServer;
  readonly api: EventPublisher;
  readonly client: MongoClient;
  readonly history: ContainerHistory;
  readonly proxies: Readonly<Record<ServiceName, ServiceProxy>>;
  readonly instance: string;
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
}

function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));
}
