import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dockerProxy } from '../../engine/docker/docker-proxy.ts';
import { docker, needsDocker } from '../../services/docker.ts';
import { dockerHarness } from './docker-harness.ts';
import { querySuite } from './query-suite.ts';
import { recordingListener } from './recording-listener.ts';

querySuite('docker', { ...(await needsDocker()), concurrency: 4 }, async () => {
  const harness = await dockerHarness();
  return {
    ...harness,
    async queryRemains(botId) {
      const label = [`the0.instance=${harness.instance}`, 'the0.role=query', `runtime.id=${botId}`];
      return (await docker.listContainers({ all: true, filters: { label } })).flatMap(({ Names }) => Names);
    },
  };
});

describe('query containers that a runtime has left', await needsDocker(), () => {
  it('are removed by the next one when they have had more than their time, and not before', async (t) => {
    const harness = await dockerHarness();
    t.after(() => harness.cleanup());
    const definition = await harness.makeBot({
      files: { 'main.js': '', 'query.js': 'setInterval(() => {}, 1000);' },
    });
    const killed = harness.makeEngine();
    const leave = new AbortController();
    const request = { definition, path: '/x', params: '{}', resultKey: '', deadlineMs: 120_000, resultBytes: 1 };
    const lost = assert.rejects(killed.runQuery(request, leave.signal));
    const label = [`the0.instance=${harness.instance}`, 'the0.role=query'];
    const containers = async () => (await docker.listContainers({ filters: { label } })).map(({ Id }) => Id);
    const until = async (count: number) => {
      for (const deadline = Date.now() + 60_000; (await containers()).length !== count; await sleep(50)) {
        assert.ok(Date.now() < deadline, `there are never ${count} containers`);
      }
    };
    await until(1);
    const [left] = await containers();

    const soon = harness.makeEngine();
    await soon.watch(recordingListener());
    await soon.close();
    assert.deepEqual(await containers(), [left]);

    const later = harness.makeEngine({ now: () => Date.now() + 600_000 });
    await later.watch(recordingListener());
    await until(0);
    await later.close();
    leave.abort();
    await lost;
    await killed.close();
  });

  it('says so while a sweep cannot remove what was left', async (t) => {
    const harness = await dockerHarness();
    t.after(() => harness.cleanup());
    const definition = await harness.makeBot({ files: { 'main.js': '', 'query.js': 'process.exit(0)' } });
    const proxy = await dockerProxy(t);
    let aheadMs = 0;
    const engine = harness.makeEngine({
      socketPath: proxy.socketPath,
      resyncMs: 50,
      now: () => Date.now() + aheadMs,
    });
    t.after(() => engine.close());
    let removable = false;
    proxy.beforeRemovals(async () => assert.ok(removable));
    const request = { definition, path: '/x', params: '{}', resultKey: '', deadlineMs: 120_000, resultBytes: 1 };
    assert.equal((await engine.runQuery(request, new AbortController().signal)).exitCode, 0);
    await engine.watch(recordingListener());
    assert.deepEqual(engine.troubles, []);
    aheadMs = 600_000;
    const told = async (isTold: boolean) => {
      for (const deadline = Date.now() + 60_000; (engine.troubles?.length !== 0) !== isTold; await sleep(10)) {
        assert.ok(Date.now() < deadline, engine.troubles?.join() ?? '');
      }
    };
    await told(true);
    assert.match(engine.troubles?.join() ?? '', /^What queries have left over cannot be removed \(.+\); it is tried/);
    removable = true;
    await told(false);
    const label = [`the0.instance=${harness.instance}`, 'the0.role=query'];
    assert.deepEqual(await docker.listContainers({ all: true, filters: { label } }), []);
  });
});
