import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DockerEngineOptions } from '../../../src/engine/docker/docker-engine.ts';
import { recordingListener } from '../../conformance/engine/recording-listener.ts';
import { aBot } from '../../desired/a-bot.ts';
import { FakeDocker } from './fake-docker.ts';

const BROKEN = { status: 500, message: 'RWLayer of container aaa is unexpectedly nil' };

describe('a container that is not as it should be', () => {
  let incarnation = 1_000;

  async function watched(t: TestContext, fake: FakeDocker, changes: Partial<DockerEngineOptions> = {}) {
    const engine = fake.engine(changes);
    t.after(() => engine.close());
    const seen = recordingListener();
    await engine.watch(seen);
    const start = (botId: string) =>
      engine.start({ definition: aBot(botId), incarnation: ++incarnation, inPlace: null });
    return { engine, seen, start };
  }

  /** Bots that an engine before started. */
  async function withBots(t: TestContext, ...botIds: string[]): Promise<FakeDocker> {
    const fake = await FakeDocker.listening(t);
    const before = await watched(t, fake);
    await Promise.all(botIds.map(before.start));
    await before.engine.close();
    return fake;
  }

  describe('because Docker cannot show it', () => {
    it('keeps no other bot from being watched, and its own is known from the list', async (t) => {
      const fake = await withBots(t, 'good', 'bad', 'fine');
      const bad = fake.one('bad');
      fake.end(bad, 1);
      fake.answerFor = (call) => (call === `GET /containers/${bad.Id}/json` ? BROKEN : null);
      const { engine, seen } = await watched(t, fake);
      assert.deepEqual([...(seen.listings[0] ?? [])].sort(), ['bad', 'fine', 'good']);
      assert.equal(seen.of('bad').at(-1)?.container?.phase, 'exited');
      assert.match(engine.troubles?.join() ?? '', /container aaaaaaaaaaaa of bot bad.*unexpectedly nil/);
      const told = seen.of('bad').length;
      const asked = fake.count(`GET /containers/${bad.Id}/json`);
      await until('it is looked at again', () => fake.count(`GET /containers/${bad.Id}/json`) >= asked + 3);
      assert.equal(seen.of('bad').length, told, 'what is no news is not told again');
      fake.answerFor = () => null;
      const { lastExit } = await seen.waitFor('bad', (one) => one.lastExit !== null);
      assert.equal(lastExit?.code, 1);
      assert.deepEqual(engine.troubles, []);
    });

    it('does not keep the engine lost when the connection is back', async (t) => {
      const fake = await withBots(t, 'good', 'bad');
      const { seen } = await watched(t, fake);
      const bad = fake.one('bad');
      fake.answerFor = (call) => (call === `GET /containers/${bad.Id}/json` ? BROKEN : null);
      fake.dropConnections();
      fake.end(bad, 1);
      await until('the second listing', () => seen.listings.length === 2);
      fake.end(fake.one('good'), 3);
      assert.equal((await seen.waitFor('good', (one) => one.lastExit !== null)).lastExit?.code, 3);
    });

    it('is no reason to doubt Docker when somebody starts it by hand', async (t) => {
      const fake = await withBots(t, 'bad');
      const { engine, seen } = await watched(t, fake);
      const bad = fake.one('bad');
      fake.end(bad, 1);
      await seen.waitFor('bad', (one) => one.lastExit !== null);
      fake.answerFor = (call) => (call === `GET /containers/${bad.Id}/json` ? BROKEN : null);
      Object.assign(bad.State, { Status: 'running', Running: true, StartedAt: new Date().toISOString() });
      fake.tell('start', bad);
      await seen.waitFor(
        'bad',
        (one) => one.container?.phase === 'running',
        1 + seen.observations.findLastIndex((one) => one.lastExit !== null),
      );
      assert.match(engine.troubles?.join() ?? '', /of bot bad/);
      assert.deepEqual(seen.losses, []);
    });
  });

  it('tells why the connection does not come back, and tells it anew when that changes', async (t) => {
    const fake = await FakeDocker.listening(t);
    const { seen } = await watched(t, fake);
    const failing = (message: string) => {
      fake.answerFor = (call) => (call === 'GET /containers/json' ? { status: 500, message } : null);
    };
    failing('the disk is full');
    fake.dropConnections();
    await until('the first cause', () => /the disk is full/.test(seen.losses.at(-1)?.message ?? ''));
    const lists = fake.count('GET /containers/json');
    await until('a second attempt', () => fake.count('GET /containers/json') > lists + 1);
    assert.equal(seen.losses.filter(({ message }) => /the disk is full/.test(message)).length, 1);
    failing('no such driver');
    await until('the next cause', () => /no such driver/.test(seen.losses.at(-1)?.message ?? ''));
  });

  it('ends while it is found, and is told before anybody may take it for gone', async (t) => {
    const fake = await withBots(t, 'late');
    const late = fake.one('late');
    fake.listDelayMs = 100;
    let isListed = false;
    fake.answerFor = (call) => {
      if (call === 'GET /containers/json' && !isListed) {
        isListed = true;
        fake.end(late, 3);
      }
      // What it said last takes as long as it may.
      return call === `GET /containers/${late.Id}/logs` ? 'hang' : null;
    };
    const { seen } = await watched(t, fake, { resyncMs: 60_000 });
    assert.equal(seen.of('late')[0]?.container?.phase, 'exited');
    assert.equal((await seen.waitFor('late', (one) => one.lastExit !== null)).lastExit?.code, 3);
  });

  describe('because somebody renamed it', () => {
    it('is still found, and no second one is started beside it', async (t) => {
      const fake = await withBots(t, 'grid');
      const { engine, start } = await watched(t, fake);
      const container = fake.one('grid');
      container.Name = 'renamed';
      assert.equal((await engine.inspect('grid')).container?.containerId, container.Id);
      const { container: taken } = await start('grid');
      assert.equal(taken?.containerId, container.Id);
      assert.equal(fake.one('grid').State.Running, true);
    });

    it('makes way for another revision of its bot', async (t) => {
      const fake = await withBots(t, 'grid');
      const { engine } = await watched(t, fake);
      const before = fake.one('grid');
      before.Name = 'renamed';
      const definition = aBot('grid', { specRevision: 'r2' });
      const { container } = await engine.start({ definition, incarnation: ++incarnation, inPlace: null });
      assert.notEqual(container?.containerId, before.Id);
      assert.equal(fake.one('grid').Id, container?.containerId);
    });

    /** As of a runtime that did not know of the first when it started the second. */
    async function twice(t: TestContext, botId: string, more: { kind?: 'scheduled' } = {}): Promise<FakeDocker> {
      const fake = await FakeDocker.listening(t);
      for (const name of ['renamed', null]) {
        const { engine } = await watched(t, fake, { resyncMs: 60_000 });
        const definition = aBot(botId, more.kind === undefined ? {} : { kind: more.kind, schedule: '* * * * *' });
        const occurrence = more.kind === undefined ? {} : { occurrence: ++incarnation };
        const [former] = fake.of(botId);
        if (former !== undefined) fake.containers.delete(former.Id);
        await engine.start({ definition, incarnation: ++incarnation, inPlace: null, ...occurrence });
        await engine.close();
        if (former !== undefined) fake.containers.set(former.Id, former);
        else if (name !== null) fake.one(botId).Name = name;
      }
      assert.equal(fake.of(botId).length, 2);
      return fake;
    }

    it('is ended when its bot runs in another one', async (t) => {
      const fake = await twice(t, 'grid');
      const { seen, engine } = await watched(t, fake);
      await until('one is gone', () => fake.of('grid').length === 1);
      assert.equal(fake.one('grid').Name, 'the0-bot-grid');
      assert.equal(seen.of('grid').at(-1)?.container?.containerId, fake.one('grid').Id);
      assert.equal((await engine.inspect('grid')).container?.phase, 'running');
      assert.ok(seen.of('grid').every(({ container }) => container?.phase === 'running'));
    });

    it('is only told of by a process that governs no bots', async (t) => {
      const fake = await twice(t, 'grid');
      const { engine, seen } = await watched(t, fake, { governs: false });
      assert.equal(
        seen.of('grid').at(-1)?.container?.containerId,
        fake.of('grid').find(({ Name }) => Name !== 'renamed')?.Id,
      );
      const lists = fake.count('GET /containers/json');
      await until('three comparisons', () => fake.count('GET /containers/json') >= lists + 3);
      assert.equal(fake.of('grid').length, 2);
      assert.match(engine.troubles?.join() ?? '', /bot grid/);
    });

    it('is only told of when it is a run of a scheduled bot, which is never ended', async (t) => {
      const fake = await twice(t, 'report', { kind: 'scheduled' });
      const { engine } = await watched(t, fake);
      const lists = fake.count('GET /containers/json');
      await until('three comparisons', () => fake.count('GET /containers/json') >= lists + 3);
      assert.deepEqual(
        fake.of('report').map(({ State }) => State.Running),
        [true, true],
      );
      assert.match(engine.troubles?.join() ?? '', /bot report.*aaaaaaaaaaaa/);
      fake.containers.delete(fake.of('report').find(({ Name }) => Name === 'renamed')?.Id ?? '');
      await until('it is over', () => engine.troubles?.length === 0);
    });
  });

  for (const [during, after] of [
    ['removing', 'removing'],
    ['removing', 'dead'],
    ['removing', 'exited'],
  ] as const) {
    it(`is told as ended when a removal by hand leaves it "${after}"`, async (t) => {
      const fake = await withBots(t, 'ema');
      const { seen } = await watched(t, fake, { resyncMs: 300 });
      const container = fake.one('ema');
      const look = `GET /containers/${container.Id}/json`;
      const asked = fake.count(look);
      fake.end(container, 137, during);
      await until('it is known to be removed', () => fake.count(look) > asked);
      await sleep(20);
      container.State.Status = after;
      const { lastExit } = await seen.waitFor('ema', (one) => one.container?.phase === 'exited');
      assert.equal(lastExit?.signal, 'SIGKILL');
    });
  }

  it('is looked at beside others: some at a time, and each is told once', async (t) => {
    const botIds = Array.from({ length: 60 }, (_, index) => `bot-${index}`);
    const fake = await withBots(t, ...botIds);
    for (const botId of botIds) fake.end(fake.one(botId), 1);
    fake.delayMs = 5;
    const { seen } = await watched(t, fake);
    assert.ok(fake.mostAtOnce > 4 && fake.mostAtOnce <= 16, `${fake.mostAtOnce} at a time`);
    for (const botId of botIds)
      assert.deepEqual(
        seen.of(botId).map(({ lastExit }) => lastExit?.code),
        [1],
      );
    assert.equal(seen.listings[0]?.size, botIds.length);
  });

  describe('because Docker does not answer about it', () => {
    const deadlines = { callMs: 1_000, startMs: 60_000, listMs: 60_000, pullMs: 60_000 };

    it('is nothing to the others while Docker answers', async (t) => {
      const fake = await withBots(t, 'hung', 'good');
      const { engine, seen } = await watched(t, fake, { deadlines, resyncMs: 60_000 });
      fake.answerFor = (call) => (call === `GET /containers/${fake.one('hung').Id}/json` ? 'hang' : null);
      for (let again = 0; again < 2; again++) await assert.rejects(engine.inspect('hung'), /within 1000 ms/);
      await until('Docker is asked whether it is there', () => fake.count('GET /_ping') > 0);
      await sleep(200);
      assert.deepEqual(seen.losses, []);
      fake.end(fake.one('good'), 1);
      await seen.waitFor('good', (one) => one.lastExit !== null);
      assert.equal(seen.listings.length, 1);
    });

    it('does not keep the others from being found', async (t) => {
      const fake = await withBots(t, 'hung', 'good');
      const hung = fake.one('hung');
      for (const botId of ['hung', 'good']) fake.end(fake.one(botId), 1);
      fake.answerFor = (call) => (call === `GET /containers/${hung.Id}/json` ? 'hang' : null);
      const { engine, seen } = await watched(t, fake, { deadlines, resyncMs: 60_000 });
      assert.equal(seen.listings[0]?.size, 2);
      assert.equal(seen.of('good').at(-1)?.lastExit?.code, 1);
      assert.match(engine.troubles?.join() ?? '', /of bot hung.*no answer/);
    });

    it('means that Docker is lost when it does not answer at all', async (t) => {
      const fake = await withBots(t, 'hung');
      const { engine, seen } = await watched(t, fake, { deadlines, resyncMs: 60_000 });
      fake.answerFor = () => 'hang';
      await assert.rejects(engine.inspect('hung'), /within 1000 ms/);
      await until('the loss', () => /it hangs/.test(seen.losses.at(-1)?.message ?? ''));
      fake.answerFor = () => null;
      await until('the second listing', () => seen.listings.length === 2);
    });
  });
});

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(5)) if (holds()) return;
  assert.fail(`waited in vain for ${what}`);
}
