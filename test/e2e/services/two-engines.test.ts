import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { poll } from '../runtime-under-test.ts';
import { needsDeployment, withDeployment } from './deployed-suite.ts';
import type { Deployment, Service } from './deployment.ts';

const WAIT_MS = 90_000;
/** Short: what a holder that is silent is given, and its bots after it. */
const SHORT = ['--lease-expiry', '2s', '--lease-renew', '300ms', '--stop-grace', '1s', '--agent-grace', '1s'];
const PROCESS = [...SHORT, '--engine', 'process'];
/** In this time, a process that stands by and may act would have begun to. */
const LONG_ENOUGH_MS = 3_000;

/** Two engines that know nothing of each other: no name of a container keeps a bot from running on both. */
describe('bot-runners on two engines', await needsDeployment(), () => {
  let deployment: Deployment;
  let docker: Service;
  let standby: Service;

  withDeployment(async (begun) => {
    deployment = begun;
    docker = await deployment.start('bot-runner', SHORT);
    await deployment.publish('created', {
      id: 'trader',
      files: { 'main.js': `exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n` },
      entrypoints: { bot: 'main.js' },
    });
    await deployment.running('trader');
    standby = await deployment.start('bot-runner', PROCESS);
    await standby.prints(/stands by: bot-runner on .* keeps these bots/);
  });

  const runsIn = async (service: Service) => /trader +running/.test(await deployment.cli(service, 'ls'));
  const running = (service: Service) =>
    poll('the bot to run there', async () => (await runsIn(service)) || undefined, WAIT_MS, 200);
  const staysDown = async (service: Service) => {
    await delay(LONG_ENOUGH_MS);
    assert.equal(await runsIn(service), false);
  };
  const goneTicket = async (service: Service) => {
    await service.prints(/may still run .*--take-from-engine \S+@\d+;/);
    return /--take-from-engine (\S+@\d+);/.exec(service.output())?.[1] ?? '';
  };

  test('after SIGTERM bots go on where they are, and nobody starts them elsewhere until `down` there', async () => {
    const before = await deployment.containers('trader');
    assert.equal(await docker.end('SIGTERM'), 0);
    await goneTicket(standby);
    await staysDown(standby);
    assert.deepEqual(await deployment.containers('trader'), before);
    for (const words of [['ls'], ['why', 'trader']])
      assert.match(await deployment.cli(standby, ...words), /may still run on that engine/);
    const readiness = await fetch(`${standby.healthUrl}/readyz?verbose`);
    assert.equal(readiness.status, 503);
    assert.match(await readiness.text(), /may still run on that engine/);

    docker = await deployment.start('bot-runner', SHORT, docker.dataDir);
    await poll(
      'the first one to act again',
      async () => (await fetch(`${docker.healthUrl}/readyz`)).ok || undefined,
      WAIT_MS,
    );
    assert.deepEqual(await deployment.containers('trader'), before);
    await deployment.cli(docker, 'down');
    assert.deepEqual(await deployment.containers('trader'), []);
    await running(standby);
  });

  test('bots that end with their runtime are gone before another one takes the role', async () => {
    docker = await deployment.start('bot-runner', SHORT, docker.dataDir);
    await docker.prints(/stands by/);
    assert.equal(await standby.end('SIGTERM'), 0);
    await running(docker);
    assert.equal((await deployment.containers('trader')).length, 1);
  });

  test('after SIGKILL a person says that the engine is gone; should it come back, its copies end, with a reason', async () => {
    standby = await deployment.start('bot-runner', PROCESS, standby.dataDir);
    await standby.prints(/stands by/);
    await docker.end('SIGKILL');
    const ticket = await goneTicket(standby);
    await staysDown(standby);
    await standby.end('SIGTERM');
    standby = await deployment.start('bot-runner', [...PROCESS, '--take-from-engine', ticket], standby.dataDir);
    await running(standby);
    assert.equal((await deployment.containers('trader')).length, 1, 'nobody can end it there');

    docker = await deployment.start('bot-runner', SHORT, docker.dataDir);
    await poll(
      'no second copy',
      async () => (await deployment.containers('trader')).length === 0 || undefined,
      WAIT_MS,
      200,
    );
    assert.match(await deployment.cli(docker, 'why', 'trader'), /keeps these bots, on another engine/);
    assert.match(docker.output(), /kept-elsewhere/);
    await staysDown(docker);
    assert.equal(await runsIn(standby), true);

    // Its bots end with it, but that it has ended nobody can know on another engine.
    await standby.end('SIGKILL');
    await goneTicket(docker);
    await staysDown(docker);
    standby = await deployment.start('bot-runner', PROCESS, standby.dataDir);
    await running(standby);
    await deployment.cli(standby, 'down');
    await running(docker);
    assert.equal((await deployment.containers('trader')).length, 1);
  });
});
