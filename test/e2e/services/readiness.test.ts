import assert from 'node:assert/strict';
import process from 'node:process';
import { after, describe, test } from 'node:test';
import { type DockerProxy, dockerProxy } from '../../engine/docker/docker-proxy.ts';
import { poll } from '../runtime-under-test.ts';
import { needsDeployment, withDeployment } from './deployed-suite.ts';
import type { ContainerFacts, Deployment, Service } from './deployment.ts';

const STEADY = {
  id: 'never-touched',
  files: { 'main.js': `exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n` },
  entrypoints: { bot: 'main.js' },
};
const WAIT_MS = 90_000;

describe('readiness of services that run', await needsDeployment(), () => {
  let deployment: Deployment;
  let docker: DockerProxy;
  let services: readonly Service[];
  let steady: ContainerFacts;
  const cleanUps: (() => Promise<void>)[] = [];

  withDeployment(async (begun) => {
    deployment = begun;
    docker = await dockerProxy({ after: (cleanUp) => cleanUps.push(cleanUp) });
    const { words, env } = deployment.program;
    deployment.program = { words, env: { ...env, DOCKER_HOST: `unix://${docker.socketPath}` } };
    services = await Promise.all([deployment.start('bot-runner'), deployment.start('bot-scheduler')]);
    await deployment.publish('created', STEADY);
    steady = await deployment.running('never-touched');
    await Promise.all(services.map((service) => becomes(service, 200, [])));
  });
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });

  const rows = [
    { name: 'MongoDB', away: () => deployment.mongo.stop(), back: () => deployment.mongo.start() },
    { name: 'NATS', away: () => deployment.nats.stop(), back: () => deployment.nats.start() },
    // It takes connections and answers nothing.
    { name: 'object store', away: async () => toMinio('SIGSTOP'), back: async () => toMinio('SIGCONT') },
    { name: 'Docker', away: async () => docker.cut(), back: async () => docker.restore() },
  ];
  for (const { name, away, back } of rows) {
    test(`while ${name} is away /readyz is 503 and names it, /healthz stays 200, and no bot is touched`, async () => {
      await away();
      try {
        await Promise.all(services.map((service) => becomes(service, 503, [name])));
      } finally {
        await back();
      }
      await Promise.all(services.map((service) => becomes(service, 200, [])));
      assert.deepEqual(await deployment.running('never-touched'), steady);
    });
  }

  function toMinio(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(deployment.minio.pid, signal);
  }

  /** Waits for this status, with at least these named as missing; it is healthy all the time. */
  async function becomes({ healthUrl }: Service, status: number, missing: readonly string[]): Promise<void> {
    const look = async () => {
      assert.equal((await fetch(`${healthUrl}/healthz`)).status, 200);
      const response = await fetch(`${healthUrl}/readyz?verbose`);
      const lines = (await response.text()).split('\n');
      const isTold = missing.every((name) => lines.some((line) => line.startsWith(`${name}: `) && !isOk(line, name)));
      return (response.status === status && isTold) || undefined;
    };
    await poll(`readiness ${status} ${missing.join()}`, look, WAIT_MS, 100);
  }
});

function isOk(line: string, name: string): boolean {
  return line.startsWith(`${name}: ok`);
}
