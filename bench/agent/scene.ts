import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type Docker from 'dockerode';
import type { AgentLimits } from '../../src/agent/agent-limits.ts';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import { type ContainerTemplate, containerOptions } from '../../src/engine/docker/bot-container.ts';
import { packCode } from '../../src/storage/code-archive/pack.ts';
import { bodyOf, DEFAULT_BUCKETS, type ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { bridgeGateway, docker } from '../../test/services/docker.ts';
import { startMinio } from '../../test/services/minio.ts';
import { startNats } from '../../test/services/nats.ts';
import { removeLabelled } from '../docker/copies.ts';

const INSTANCE = `bench-agent-${process.pid}`;
/** What other parts of the machine may do to a container's start is no concern of the agent. */
const NETWORK = 'bridge';

export interface CodeOfBot {
  readonly id: string;
  readonly runtime: 'nodejs20' | 'python3.11';
  /** File name → content. */
  readonly files: Readonly<Record<string, string>>;
  /** `query.py` or `query.js` is among the files. */
  readonly query?: boolean;
}

export interface ContainerWishes {
  readonly limits?: Partial<AgentLimits>;
  /** Instead of the one in memory. */
  readonly stateDirectory?: string;
  readonly nanoCpus?: number;
}

/** A real store and a real NATS that containers reach, and containers made as the Docker engine makes them (contract 5.2). */
export interface Scene {
  readonly store: ObjectStore;
  readonly natsUrl: string;
  readonly image: string;
  /** On a disk. */
  readonly directory: string;
  /** Stores the code. @returns the bot as desired */
  deploy(code: CodeOfBot): Promise<BotDefinition>;
  /** Created, not started. */
  create(definition: BotDefinition, wishes?: ContainerWishes): Promise<Docker.Container>;
  /** The same container around another program: image, network, limits and file systems as above. */
  createBare(definition: BotDefinition, name: string, bare: BareProgram): Promise<Docker.Container>;
}

export interface BareProgram {
  readonly entrypoint: readonly string[];
  readonly mounted: { readonly source: string; readonly target: string };
  readonly nanoCpus?: number;
}

/** Ends and removes all of it when `use` is done. */
export async function withScene<Result>(use: (scene: Scene) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'the0-bench-agent-'));
  const undo: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const gateway = await bridgeGateway();
    const minio = await startMinio(undefined, gateway);
    undo.push(() => minio.stop());
    const nats = await startNats(gateway);
    undo.push(() => nats.remove());
    const store = openS3Store(minio.access);
    undo.push(async () => store.close());
    for (const bucket of Object.values(DEFAULT_BUCKETS)) await store.createBucket(bucket);
    undo.push(() => removeLabelled(docker, `the0.instance=${INSTANCE}`));
    const template = templateFor({ ...minio.access, useSsl: false }, nats.url);
    return await use(new RealScene({ store, natsUrl: nats.url, directory, template }));
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

interface Access {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly useSsl: boolean;
}

function templateFor({ endpoint, accessKey, secretKey, useSsl }: Access, natsUrl: string): ContainerTemplate {
  const { settings } = loadSettings(process.env, { engine: 'docker' });
  return {
    image: settings.docker.image,
    instance: INSTANCE,
    kinds: ['realtime'],
    limits: {
      memoryMiB: settings.bot.memoryLimitMiB,
      cpuShares: settings.bot.cpuShares,
      pidsLimit: settings.bot.pidsLimit,
      agentGraceMs: settings.bot.agentGraceMs,
      timeZone: settings.timeZone,
      dockerLogBytes: settings.docker.logBytes,
      agent: DEFAULT_AGENT_LIMITS,
    },
    directories: null,
    objectStore: { endpoint, accessKey, secretKey, useSsl, queryResultsBucket: DEFAULT_BUCKETS.queryResults },
    natsUrl,
  };
}

class RealScene implements Scene {
  readonly store: ObjectStore;
  readonly natsUrl: string;
  readonly directory: string;
  readonly #template: ContainerTemplate;

  constructor(parts: Pick<Scene, 'store' | 'natsUrl' | 'directory'> & { readonly template: ContainerTemplate }) {
    this.store = parts.store;
    this.natsUrl = parts.natsUrl;
    this.directory = parts.directory;
    this.#template = parts.template;
  }

  get image(): string {
    return this.#template.image;
  }

  async deploy({ id, runtime, files, query = false }: CodeOfBot): Promise<BotDefinition> {
    const folder = join(this.directory, 'code', id);
    await mkdir(folder, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const listed = (await readdir(folder)).map(async (path) => {
      return { path, sizeBytes: (await stat(join(folder, path))).size, executable: false };
    });
    const archive = join(this.directory, `${id}.zip`);
    await packCode(folder, await Promise.all(listed), archive);
    const key = `bench/${id}/1`;
    await this.store.write({ bucket: DEFAULT_BUCKETS.code, key }, bodyOf(await readFile(archive)), {
      condition: null,
      contentType: 'application/zip',
    });
    const suffix = runtime === 'nodejs20' ? 'js' : 'py';
    return {
      id,
      kind: 'realtime',
      enabled: true,
      config: {},
      version: '1',
      filePath: key,
      name: id,
      runtime,
      entrypoint: `main.${suffix}`,
      queryEntrypoint: query ? `query.${suffix}` : null,
      schedule: null,
      specRevision: id,
      problem: null,
    };
  }

  async create(definition: BotDefinition, wishes: ContainerWishes = {}): Promise<Docker.Container> {
    return await docker.createContainer(this.#options(definition, wishes));
  }

  async createBare(definition: BotDefinition, name: string, bare: BareProgram): Promise<Docker.Container> {
    const { nanoCpus, entrypoint, mounted } = bare;
    const options = this.#options(definition, nanoCpus === undefined ? {} : { nanoCpus });
    const mount = { Type: 'bind', Source: mounted.source, Target: mounted.target, ReadOnly: true } as const;
    return await docker.createContainer({
      ...options,
      name,
      Entrypoint: [...entrypoint],
      Cmd: [],
      HostConfig: { ...options.HostConfig, Mounts: [mount] },
    });
  }

  #options(definition: BotDefinition, { limits = {}, stateDirectory, nanoCpus }: ContainerWishes) {
    const template = {
      ...this.#template,
      limits: { ...this.#template.limits, agent: { ...DEFAULT_AGENT_LIMITS, ...limits } },
    };
    const options = containerOptions(template, definition, {
      incarnation: Date.now(),
      shapeRevision: 'bench',
      networkMode: NETWORK,
    });
    const { '/state': inMemory, ...otherMemory } = options.HostConfig?.Tmpfs ?? {};
    const mount =
      stateDirectory === undefined
        ? { Tmpfs: { ...otherMemory, '/state': inMemory ?? 'rw' } }
        : { Tmpfs: otherMemory, Mounts: [{ Type: 'bind', Source: stateDirectory, Target: '/state' } as const] };
    return {
      ...options,
      HostConfig: { ...options.HostConfig, ...mount, ...(nanoCpus === undefined ? {} : { NanoCpus: nanoCpus }) },
    } satisfies Docker.ContainerCreateOptions;
  }
}
