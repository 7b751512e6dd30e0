import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { identityOf } from '../../../src/agent/process-identity.ts';
import { EngineError } from '../../../src/engine/container-engine.ts';
import { createProcessEngine } from '../../../src/engine/process/process-engine.ts';
import { bench, nodeDirectory, runs, until } from './harness.ts';

function failsWith(code: string, facts: Record<string, unknown> = {}) {
  return (error: unknown) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.failure.code, code);
    assert.partialDeepStrictEqual(error.failure.facts, facts);
    return true;
  };
}

test('a started bot is running, with an endpoint of its own on the loopback address', async (t) => {
  const { engine, define, observations } = await bench(t);
  const first = await engine.start({ definition: await define('a', {}), incarnation: 5, inPlace: null });
  const second = await engine.start({ definition: await define('b', {}), incarnation: 6, inPlace: null });
  assert.equal(first.container?.phase, 'running');
  assert.equal(first.container.incarnation, 5);
  assert.equal(first.container.specRevision, 'r1');
  assert.equal(first.container.endpoint?.host, '127.0.0.1');
  assert.notEqual(first.container.endpoint.port, second.container?.endpoint?.port);
  assert.deepEqual(
    observations.map(({ botId, container }) => [botId, container?.phase]),
    [
      ['a', 'running'],
      ['b', 'running'],
    ],
  );
});

test('a bot without query entry point has no endpoint', async (t) => {
  const { engine, define } = await bench(t);
  const definition = await define('a', {}, { queryEntrypoint: null });
  const { container } = await engine.start({ definition, incarnation: 1, inPlace: null });
  assert.equal(container?.endpoint, null);
});

test('a bot gets its own directories and nothing of the secrets in the environment of the runtime', async (t) => {
  process.env['MINIO_SECRET_KEY'] = 'the runtime knows this';
  t.after(() => delete process.env['MINIO_SECRET_KEY']);
  const { engine, define, report, options } = await bench(t);
  await engine.start({ definition: await define('a', {}), incarnation: 7, inPlace: null });
  const { env, cwd } = await report('a');
  assert.equal(cwd, options.codeDirOf('a', 'r1'));
  assert.equal(env['CODE_PATH'], options.codeDirOf('a', 'r1'));
  assert.equal(env['STATE_PATH'], options.stateDirOf('a'));
  assert.equal(env['LOGS_PATH'], options.logsDirOf('a'));
  assert.equal(env['STATE_DIR'], join(options.stateDirOf('a'), '.the0-state'));
  assert.equal(env['PATH']?.split(':')[0], nodeDirectory);
  assert.equal(env['THE0_LIFELINE'], '1');
  assert.equal(env['THE0_INCARNATION'], '7');
  assert.equal(env['TZ'], 'UTC');
  assert.deepEqual(
    Object.keys(env).filter((name) => name.startsWith('MINIO') || env[name]?.includes('the runtime knows')),
    [],
  );
});

test('an exit is reported with its code and the last words, whatever was written before them', async (t) => {
  const { engine, define, observations } = await bench(t);
  const definition = await define('a', { exit: 3, noise: 200_000 });
  await engine.start({ definition, incarnation: 9, inPlace: null });
  await until(() => observations.at(-1)?.container?.phase === 'exited');
  const { lastExit, container } = observations.at(-1) ?? {};
  assert.equal(lastExit?.code, 3);
  assert.equal(lastExit.signal, null);
  assert.equal(lastExit.incarnation, 9);
  assert.deepEqual(lastExit.lastWords, { the0: 1, code: 'bot-exited', facts: { exitCode: 3 } });
  assert.equal(container?.endpoint, null);
});

test('an exited container is started again in place under its name', async (t) => {
  const { engine, define, observations } = await bench(t);
  const definition = await define('a', { exit: 1 });
  const first = await engine.start({ definition, incarnation: 1, inPlace: null });
  const containerId = first.container?.containerId ?? '';
  await until(() => observations.at(-1)?.container?.phase === 'exited');
  const again = await engine.start({ definition: await define('a', {}), incarnation: 2, inPlace: containerId });
  assert.equal(again.container?.containerId, containerId);
  assert.equal(again.container.incarnation, 2);
  assert.equal(again.container.phase, 'running');
  assert.equal(again.lastExit, null);
});

test('a start in place of a container that is gone makes a new one', async (t) => {
  const { engine, define } = await bench(t);
  const { container } = await engine.start({ definition: await define('a', {}), incarnation: 2, inPlace: 'a.1' });
  assert.equal(container?.phase, 'running');
  assert.notEqual(container.containerId, 'a.1');
});

test('a bot is never started twice: not while it is being started, nor while it runs', async (t) => {
  const { engine, define, report } = await bench(t);
  const definition = await define('a', {});
  const first = engine.start({ definition, incarnation: 1, inPlace: null });
  await assert.rejects(engine.start({ definition, incarnation: 2, inPlace: null }), failsWith('name-taken'));
  const { container } = await first;
  const { pid } = await report('a');
  const again = await engine.start({ definition, incarnation: 3, inPlace: null });
  assert.deepEqual(again.container, container);
  assert.equal(await runs(pid), true);
});

test('a start of another revision ends the running one first', async (t) => {
  const { engine, define, report } = await bench(t);
  await engine.start({ definition: await define('a', {}), incarnation: 1, inPlace: null });
  const { pid } = await report('a');
  const definition = await define('a', {}, { specRevision: 'r2' });
  const { container } = await engine.start({ definition, incarnation: 2, inPlace: null });
  assert.equal(container?.specRevision, 'r2');
  assert.equal(container.incarnation, 2);
  assert.equal(await runs(pid), false);
});

test('stop asks first: the agent ends by itself and says so', async (t) => {
  const { engine, define, report } = await bench(t);
  const { container } = await engine.start({ definition: await define('a', {}), incarnation: 1, inPlace: null });
  await report('a');
  const stopped = await engine.stop({ botId: 'a', containerId: container?.containerId ?? '' });
  assert.equal(stopped.container?.phase, 'exited');
  assert.equal(stopped.lastExit?.code, 0);
  assert.equal(stopped.lastExit.lastWords?.code, 'stopped');
});

test('stop kills an agent that does not end, and the bot it noted', async (t) => {
  const { engine, define, report } = await bench(t);
  const definition = await define('a', { ignoresTerm: true, bot: 'stubborn' });
  const { container } = await engine.start({ definition, incarnation: 1, inPlace: null });
  const { children } = await report('a');
  const stopped = await engine.stop({ botId: 'a', containerId: container?.containerId ?? '' });
  assert.equal(stopped.lastExit?.signal, 'SIGKILL');
  assert.equal(await runs(children[0] ?? 0), false);
});

test('remove ends a running bot with every process it started', async (t) => {
  const { engine, define, report } = await bench(t);
  const definition = await define('a', { ignoresTerm: true, bot: 'stubborn', escaped: true });
  const { container } = await engine.start({ definition, incarnation: 1, inPlace: null });
  const { pid, children } = await report('a');
  const removed = await engine.remove({ botId: 'a', containerId: container?.containerId ?? '' });
  assert.equal(removed.container, null);
  assert.equal(children.length, 2);
  for (const process of [pid, ...children]) assert.equal(await runs(process), false);
  assert.equal((await engine.inspect('a')).container, null);
});

test('a request that names another container touches nothing', async (t) => {
  const { engine, define, report } = await bench(t);
  await engine.start({ definition: await define('a', {}), incarnation: 1, inPlace: null });
  const { pid } = await report('a');
  assert.equal((await engine.remove({ botId: 'a', containerId: 'a.0' })).container?.phase, 'running');
  assert.equal((await engine.stop({ botId: 'a', containerId: 'a.0' })).container?.phase, 'running');
  assert.equal((await engine.remove({ botId: 'nobody', containerId: 'x' })).container, null);
  assert.equal(await runs(pid), true);
});

test('when an agent is killed, the bot it noted is ended before the exit is reported', async (t) => {
  const { engine, define, report, observations } = await bench(t);
  await engine.start({ definition: await define('a', { bot: 'stubborn' }), incarnation: 1, inPlace: null });
  const { pid, children } = await report('a');
  process.kill(pid, 'SIGKILL');
  await until(() => observations.at(-1)?.container?.phase === 'exited');
  assert.equal(await runs(children[0] ?? 0), false);
  assert.equal(observations.at(-1)?.lastExit?.signal, 'SIGKILL');
  assert.equal(observations.at(-1)?.lastExit?.lastWords, null);
});

test('a process that left the group of its bot is ended before the bot starts again', async (t) => {
  const { engine, define, report, observations } = await bench(t);
  const definition = await define('a', { escaped: true });
  const { container } = await engine.start({ definition, incarnation: 1, inPlace: null });
  const { pid, children } = await report('a');
  process.kill(pid, 'SIGKILL');
  await until(() => observations.at(-1)?.container?.phase === 'exited');
  await engine.start({ definition: await define('a', {}), incarnation: 2, inPlace: container?.containerId ?? '' });
  assert.equal(await runs(children[0] ?? 0), false);
});

test('what a killed runtime left running is ended before anything starts', async (t) => {
  const former = await bench(t);
  await former.engine.start({
    definition: await former.define('a', { bot: 'stubborn', escaped: true }),
    incarnation: 1,
    inPlace: null,
  });
  const { pid, children } = await former.report('a');
  const engine = createProcessEngine(former.options);
  await engine.watch(former.listener);
  for (const process of [pid, ...children]) assert.equal(await runs(process), false);
  assert.equal((await engine.inspect('a')).container, null);
  await until(() => former.observations.at(-1)?.container?.phase === 'exited');
  assert.deepEqual(readdirSync(former.options.runDirectory), []);
});

test('a pid that means another process by now is left alone', async (t) => {
  const { options, listener } = await bench(t);
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
  t.after(() => stranger.kill('SIGKILL'));
  await once(stranger, 'spawn');
  const pid = stranger.pid ?? 0;
  const recycled = { pid, startTime: 'when the bot was started' };
  await writeFile(join(options.runDirectory, 'a.json'), JSON.stringify({ format: 1, botId: 'a', agent: recycled }));
  await writeFile(
    join(options.runDirectory, 'a.groups.json'),
    JSON.stringify({ format: 1, bot: recycled, query: null }),
  );
  await createProcessEngine(options).watch(listener);
  assert.notEqual(identityOf(pid), null);
  assert.deepEqual(readdirSync(options.runDirectory), []);
});

test('notes of a newer version are refused with a sentence', async (t) => {
  const { options, listener } = await bench(t);
  await writeFile(join(options.runDirectory, 'a.json'), JSON.stringify({ format: 2 }));
  await assert.rejects(createProcessEngine(options).watch(listener), /newer version \(format 2, this one knows 1\)/);
});

test('a runtime whose interpreter the host lacks is refused by its name', async (t) => {
  const { engine, define } = await bench(t, { hostEnvironment: { PATH: '/nowhere' } });
  const definition = await define('a', {}, { runtime: 'python3.11' });
  await assert.rejects(
    engine.start({ definition, incarnation: 1, inPlace: null }),
    failsWith('program-missing', { program: 'python3' }),
  );
});

test('an interpreter that was installed meanwhile is found', async (t) => {
  const { engine, define, root } = await bench(t, { hostEnvironment: { PATH: '/nowhere' } });
  const tools = join(root, 'tools');
  await mkdir(tools);
  const second = await bench(t, { hostEnvironment: { PATH: tools } });
  const definition = await second.define('a', {}, { runtime: 'python3.11' });
  await assert.rejects(
    second.engine.start({ definition, incarnation: 1, inPlace: null }),
    failsWith('program-missing'),
  );
  await writeFile(join(tools, 'python3'), '', { mode: 0o755 });
  const retry = () => second.engine.start({ definition, incarnation: 1, inPlace: null }).catch(() => null);
  let started = await retry();
  for (const end = performance.now() + 60_000; started === null && performance.now() < end; ) started = await retry();
  assert.equal(started?.container?.phase, 'running');
  // A compiled bot needs no interpreter at all.
  const compiled = await define('c', {}, { runtime: 'rust-stable' });
  assert.equal(
    (await engine.start({ definition: compiled, incarnation: 1, inPlace: null })).container?.phase,
    'running',
  );
});

test('a missing copy of the code is said to be missing', async (t) => {
  const { engine, define, options } = await bench(t);
  const definition = await define('a', {});
  await rm(options.codeDirOf('a', 'r1'), { recursive: true });
  await assert.rejects(engine.start({ definition, incarnation: 1, inPlace: null }), failsWith('code-unavailable'));
});

test('an agent that was removed with its cache is made again, once for all bots that miss it', async (t) => {
  const cache = await mkdtemp(join(import.meta.dirname, 'fixtures/cache-'));
  t.after(() => rm(cache, { recursive: true, force: true }));
  const agentFile = join(cache, 'agent.mjs');
  let refills = 0;
  const { engine, define } = await bench(t, {
    agentFile,
    refillCache: async () => {
      refills += 1;
      await writeFile(agentFile, "import '../stand-in-agent.mjs';\n");
    },
  });
  const starts = await Promise.all(
    ['a', 'b'].map(async (id) => engine.start({ definition: await define(id, {}), incarnation: 1, inPlace: null })),
  );
  assert.deepEqual(
    starts.map(({ container }) => container?.phase),
    ['running', 'running'],
  );
  assert.equal(refills, 1);
});

test('bots start though the notes about processes were removed with their folder', async (t) => {
  const { engine, define, options } = await bench(t);
  await rm(options.runDirectory, { recursive: true });
  const { container } = await engine.start({ definition: await define('a', {}), incarnation: 1, inPlace: null });
  assert.equal(container?.phase, 'running');
});

test('a program that cannot be started is an error that names it, and the bot can be started afterwards', async (t) => {
  const { engine, define } = await bench(t, { nodeBinary: '/nowhere/node' });
  const definition = await define('a', {});
  await assert.rejects(
    engine.start({ definition, incarnation: 1, inPlace: null }),
    failsWith('rejected', { errno: 'ENOENT' }),
  );
  await assert.rejects(
    engine.start({ definition, incarnation: 2, inPlace: null }),
    failsWith('rejected', { errno: 'ENOENT' }),
  );
});

test('an id that could leave the data directory is refused', async (t) => {
  const { engine, define } = await bench(t);
  const definition = { ...(await define('a', {})), id: '../a' };
  await assert.rejects(engine.start({ definition, incarnation: 1, inPlace: null }), failsWith('rejected'));
});

test('close ends all bots, and nothing is started or reported afterwards', async (t) => {
  const { engine, define, report, observations } = await bench(t);
  const definition = await define('a', { bot: 'stubborn' });
  await engine.start({ definition, incarnation: 1, inPlace: null });
  const { pid, children } = await report('a');
  const before = observations.length;
  await engine.close();
  for (const process of [pid, ...children]) assert.equal(await runs(process), false);
  await assert.rejects(engine.start({ definition, incarnation: 2, inPlace: null }), failsWith('rejected'));
  assert.equal(observations.length, before);
});
