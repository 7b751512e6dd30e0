import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { composeImages } from '../services/compose-images.ts';
import { docker, needsDocker } from '../services/docker.ts';
import { freePort } from '../services/free-port.ts';
import { needsRuntimeImage } from '../services/runtime-image.ts';
import { needsBinary, serviceBinary } from '../services/service-process.ts';

const FILES = [
  resolve(import.meta.dirname, '../../images/compose/compose.yaml'),
  join(import.meta.dirname, 'compose.override.yaml'),
];
const COMMAND_MS = 120_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;
const PASSWORDS = ['MONGO_PASSWORD', 'NATS_PASSWORD', 'NATS_LOGS_PASSWORD', 'MINIO_SECRET_KEY'] as const;

/** Options for a suite that needs Compose, an engine, the runtime image and the three servers. */
export async function needsCompose(): Promise<{ skip: string | false }> {
  const needed = [
    await needsDocker(),
    await needsRuntimeImage(),
    needsBinary('docker-compose', 'test/services/compose.sh'),
    needsBinary('minio', 'test/services/minio.sh'),
    needsBinary('nats-server', 'test/services/nats.sh'),
    needsBinary('mongo-java-server', 'test/services/mongodb.sh'),
  ];
  return needed.find(({ skip }) => skip !== false) ?? { skip: false };
}

/** What images/compose makes, under names, passwords and ports of its own. */
export interface ComposeProject {
  readonly name: string;
  readonly ports: Readonly<Record<'query' | 'runner' | 'scheduler' | 'nats' | 'minio', number>>;
  readonly passwords: Readonly<Record<(typeof PASSWORDS)[number], string>>;
  /** A command of Compose. @returns its standard output @throws with its errors when it fails */
  compose(...words: string[]): Promise<string>;
  /** Of a service's container. */
  idOf(service: string): Promise<string>;
  /** Everything with this project's name that Docker has, bots on its network too. */
  leftovers(): Promise<string[]>;
  /** Removes it all, whatever state it is in. */
  remove(): Promise<void>;
}

export async function composeProject(): Promise<ComposeProject> {
  const images = await composeImages();
  // Docker keeps networks and images by name; a second run or another suite must not meet these.
  const name = `the0-test-${randomBytes(4).toString('hex')}`;
  const ports = {
    query: await freePort(),
    runner: await freePort(),
    scheduler: await freePort(),
    nats: await freePort(),
    minio: await freePort(),
  };
  // What a password generator may make: NATS would take the beginning for a number.
  const password = () => `1e5${randomBytes(8).toString('hex')}`;
  const passwords = {
    MONGO_PASSWORD: password(),
    NATS_PASSWORD: password(),
    NATS_LOGS_PASSWORD: password(),
    MINIO_SECRET_KEY: password(),
  };
  const values = {
    ...passwords,
    MONGODB_IMAGE: images.mongodb,
    NATS_IMAGE: images.nats,
    MINIO_IMAGE: images.minio,
    RUNTIME_IMAGE: images.runtime,
    DOCKER_NETWORK: name,
    // Other tests have containers as the Go runtime makes them.
    THE0_TAKE_OVER: 'none',
    QUERY_PORT: ports.query,
    BOT_RUNNER_PORT: ports.runner,
    BOT_SCHEDULER_PORT: ports.scheduler,
    NATS_PORT: ports.nats,
    MINIO_PORT: ports.minio,
  };
  const root = await mkdtemp(join(tmpdir(), 'the0-compose-'));
  const envFile = join(root, '.env');
  await writeFile(
    envFile,
    Object.entries(values).map(([key, value]) => `${key}=${value}\n`),
  );
  const { ApiVersion } = await docker.version();
  const words = ['--project-name', name, '--env-file', envFile, '--progress', 'quiet'];
  for (const file of FILES) words.push('--file', file);

  const compose = (...more: string[]) => runCompose([...words, ...more], ApiVersion);
  const leftovers = async () => {
    const filters = { label: [`com.docker.compose.project=${name}`] };
    const [own, bots, networks, volumes] = await Promise.all([
      docker.listContainers({ all: true, filters }),
      docker.listContainers({ all: true, filters: { network: [name] } }),
      docker.listNetworks({ filters }),
      docker.listVolumes({ filters }),
    ]);
    return [
      ...[...own, ...bots].map(({ Names }) => `container ${Names.join()}`),
      ...networks.map(({ Name }) => `network ${Name}`),
      ...volumes.Volumes.map(({ Name }) => `volume ${Name}`),
    ];
  };
  return {
    name,
    ports,
    passwords,
    compose,
    async idOf(service) {
      return (await compose('ps', '--all', '--quiet', service)).trim();
    },
    leftovers,
    async remove() {
      try {
        // First who would start bots again, then the bots, which keep their network from being removed.
        await removeContainers({ label: [`com.docker.compose.project=${name}`] });
        await removeContainers({ network: [name] });
        await compose('down', '--volumes');
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    },
  };
}

async function removeContainers(filters: Record<string, string[]>): Promise<void> {
  const found = await docker.listContainers({ all: true, filters });
  await Promise.all(found.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
}

/** It has a version of Docker's interface of its own, and takes no other by itself. */
async function runCompose(words: readonly string[], apiVersion: string): Promise<string> {
  const env = { ...process.env, DOCKER_API_VERSION: apiVersion };
  const options = { env, timeout: COMMAND_MS, maxBuffer: OUTPUT_BYTES };
  return await new Promise((resolved, failed) => {
    execFile(serviceBinary('docker-compose'), words, options, (error, stdout, stderr) => {
      if (error === null) resolved(stdout);
      else failed(new Error(`docker compose: ${stderr.trim() || error.message}`));
    });
  });
}
