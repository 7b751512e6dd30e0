import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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
});
