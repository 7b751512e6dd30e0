import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { aBot } from '../../desired/a-bot.ts';
import { FakeDocker } from './fake-docker.ts';

it('a network that is gone when a container is created, which some refuse and not the start, is looked for again', async (t) => {
  const fake = await FakeDocker.listening(t);
  const engine = fake.engine();
  t.after(() => engine.close());
  await engine.watch(recordingListener());
  await engine.start({ definition: aBot('one'), incarnation: 1, inPlace: null });
  let isGone = true;
  fake.answerFor = (call) => {
    if (call === 'GET /networks') isGone = false;
    return isGone && call === 'POST /containers/create' ? { status: 404, message: 'network network not found' } : null;
  };
  const { container } = await engine.start({ definition: aBot('two'), incarnation: 2, inPlace: null });
  assert.equal(container?.phase, 'running');
});

it('what one query has left over and Docker cannot remove does not keep what others have left over', async (t) => {
  const fake = await FakeDocker.listening(t);
  const ids = ['c', 'd', 'e'].map((letter) => letter.repeat(64));
  for (const [index, Id] of ids.entries()) {
    const run = `${Date.now() - 1_000}-${String(index).padStart(16, '0')}`;
    const Labels = { 'the0.format': '1', 'the0.role': 'query', 'the0.instance': 'instance', 'the0.run': run };
    const State = { Status: 'exited', Running: false, StartedAt: '', FinishedAt: '', ExitCode: 0, OOMKilled: false };
    const Config = { Labels, Env: [] };
    fake.containers.set(Id, { Id, Name: Id, Created: 0, Config, State, NetworkSettings: { Networks: {} } });
  }
  fake.answerFor = (call) =>
    call === `DELETE /containers/${ids[0]}` ? { status: 500, message: 'device or resource busy' } : null;
  const engine = fake.engine();
  t.after(() => engine.close());
  await engine.watch(recordingListener());
  await until('the others are gone and the trouble is told', () => fake.containers.size === 1 && troubled());
  assert.deepEqual([...fake.containers.keys()], [ids[0]]);
  fake.answerFor = () => null;
  await until('all are gone and the trouble is over', () => fake.containers.size === 0 && !troubled());

  function troubled(): boolean {
    return engine.troubles?.some((sentence) => sentence.includes('device or resource busy')) ?? false;
  }
});

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(5)) if (holds()) return;
  assert.fail(`waited in vain for ${what}`);
}
