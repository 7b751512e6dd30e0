import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import { type ContainerEngine, EngineError } from '../../../src/engine/container-engine.ts';
import * as bots from './bots.ts';
import { recordingListener } from './recording-listener.ts';

export interface EngineTraits {
  /** A sentence why the suite cannot run here, or false. */
  readonly skip: string | false;
  /** Whether containers go on when the engine object is closed, and are found by the next one of the same instance. */
  readonly adopts?: boolean;
  /** How many of its tests may run at the same time, where they mostly wait for the engine. */
  readonly concurrency?: number;
  /** Whether two instances of the runtime share one name space, so that a bot runs in one of them only. */
  readonly sharesNames?: boolean;
}

export interface EngineHarness {
  /** @param instance of which the engine sees containers; the harness' own when left out */
  makeEngine(overrides?: { instance?: string; stopGraceMs?: number }): ContainerEngine;
  /** Puts the files where the engine takes a bot's code from. Each call makes a bot of its own. */
  makeBot(sketch: bots.BotSketch): Promise<BotDefinition>;
  /** The bot's state directory, as this process sees it. */
  stateDirectory(botId: string): string;
  /** Ends and removes everything, also after a failed test. */
  cleanup(): Promise<void>;
}

/** The port's contract (src/engine/container-engine.ts), the same for every engine. */
export function engineSuite(name: string, traits: EngineTraits, makeHarness: () => Promise<EngineHarness>): void {
  describe(`${name} engine`, { skip: traits.skip, concurrency: traits.concurrency ?? 1 }, () => {
    let harness: EngineHarness;
    let incarnation = Date.now();
    const next = () => ++incarnation;

    before(async () => {
      harness = await makeHarness();
    });
    after(async () => {
      await harness?.cleanup();
    });

    async function watched(t: TestContext, overrides?: Parameters<EngineHarness['makeEngine']>[0]) {
      const engine = harness.makeEngine(overrides);
      t.after(() => engine.close());
      const seen = recordingListener();
      await engine.watch(seen);
      return { engine, seen };
    }

    async function started(engine: ContainerEngine, definition: BotDefinition) {
      const number = next();
      const observation = await engine.start({ definition, incarnation: number, inPlace: null });
      assert.ok(observation.container, 'start answers with the container');
      return { container: observation.container, incarnation: number };
    }

    async function stateFile(botId: string, file: string): Promise<string> {
      const path = join(harness.stateDirectory(botId), '.the0-state', file);
      return await until(`the bot writes ${file}`, () => readFile(path, 'utf8').catch(() => ''));
    }

    it('answers a start with the running container, its incarnation and revisions', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.idle);
      const { container, incarnation } = await started(engine, definition);
      assert.equal(container.phase, 'running');
      assert.equal(container.incarnation, incarnation);
      assert.equal(container.specRevision, definition.specRevision);
      assert.equal(container.shapeRevision, engine.shapeRevisionOf(definition));
    });

    it('does not run a bot twice when it is started twice', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.idle);
      const first = await started(engine, definition);
      const second = await engine.start({ definition, incarnation: next(), inPlace: null });
      assert.equal(second.container?.containerId, first.container.containerId);
      assert.equal(second.container?.phase, 'running');
      assert.deepEqual((await engine.inspect(definition.id)).container?.containerId, first.container.containerId);
    });

    it('replaces a container of another revision', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.idle);
      const old = await started(engine, definition);
      const changed = await harness.makeBot({ ...bots.idle, id: definition.id, revision: 'changed' });
      const fresh = await started(engine, changed);
      assert.notEqual(fresh.container.containerId, old.container.containerId);
      assert.equal(fresh.container.specRevision, 'changed');
      assert.equal((await engine.inspect(definition.id)).container?.containerId, fresh.container.containerId);
    });

    it('begins a run of a scheduled bot once, and keeps what is left of it until it is removed', async (t) => {
      const { engine, seen } = await watched(t);
      const made = await harness.makeBot(bots.countsStarts);
      const definition: BotDefinition = {
        ...made,
        kind: 'scheduled',
        schedule: '* * * * *',
        queryEntrypoint: 'query.js',
      };
      const run = { definition, inPlace: null, occurrence: 1_773_501_000 };
      const incarnation = next();
      const first = await engine.start({ ...run, incarnation });
      assert.equal(first.container?.occurrence, 1_773_501_000);
      assert.equal(first.container?.endpoint, null, 'a run has no query server');
      const { lastExit } = await seen.exitOf(definition.id, incarnation);
      assert.equal(lastExit.code, 1);
      const again = await engine.start({ ...run, incarnation: next() });
      assert.deepEqual(
        [again.container?.containerId, again.container?.phase, again.container?.occurrence],
        [first.container?.containerId, 'exited', 1_773_501_000],
      );
      assert.equal(again.lastExit?.code, 1);
      assert.equal(await stateFile(definition.id, 'starts'), '1');
      await engine.remove({ botId: definition.id, containerId: first.container?.containerId ?? '' });
      const other = next();
      await engine.start({ ...run, incarnation: other, occurrence: 1_773_501_060 });
      await seen.exitOf(definition.id, other);
      assert.equal((await engine.inspect(definition.id)).container?.occurrence, 1_773_501_060);
    });

    it('reports an exit with its code, its incarnation and the last words of the agent', async (t) => {
      const { engine, seen } = await watched(t);
      const definition = await harness.makeBot(bots.exits(7));
      const { incarnation } = await started(engine, definition);
      const { container, lastExit } = await seen.exitOf(definition.id, incarnation);
      assert.equal(container?.phase, 'exited');
      assert.equal(container.endpoint, null);
      assert.equal(lastExit.code, 7);
      assert.equal(lastExit.signal, null);
      assert.equal(lastExit.lastWords?.code, 'bot-exited');
      assert.equal(lastExit.lastWords.facts['exitCode'], 7);
    });

    it('starts an exited container again in place, under a new incarnation and with its state', async (t) => {
      const { engine, seen } = await watched(t);
      const definition = await harness.makeBot(bots.countsStarts);
      const first = await started(engine, definition);
      await seen.exitOf(definition.id, first.incarnation);
      const again = next();
      const inPlace = first.container.containerId;
      const observation = await engine.start({ definition, incarnation: again, inPlace });
      assert.equal(observation.container?.incarnation, again);
      const { container } = await seen.exitOf(definition.id, again);
      assert.equal(container?.incarnation, again);
      assert.equal(await stateFile(definition.id, 'starts'), '2');
    });

    it('reports each exit of a bot that is started in place again and again under its own incarnation', async (t) => {
      const { engine, seen } = await watched(t);
      const definition = await harness.makeBot(bots.exits(3));
      let inPlace: string | null = null;
      for (let round = 0; round < 3; round++) {
        const number = next();
        const observation = await engine.start({ definition, incarnation: number, inPlace });
        inPlace = observation.container?.containerId ?? null;
        const { lastExit } = await seen.exitOf(definition.id, number);
        assert.equal(lastExit.code, 3);
      }
      const exits = seen.observations.filter(({ botId, lastExit }) => botId === definition.id && lastExit !== null);
      assert.equal(new Set(exits.map(({ lastExit }) => lastExit?.incarnation)).size, 3);
    });

    it('makes a new container when the one to start in place is gone', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.idle);
      const first = await started(engine, definition);
      await engine.remove({ botId: definition.id, containerId: first.container.containerId });
      const number = next();
      const inPlace = first.container.containerId;
      const observation = await engine.start({ definition, incarnation: number, inPlace });
      assert.equal(observation.container?.phase, 'running');
      assert.equal(observation.container.incarnation, number);
    });

    it('stops a bot that obeys SIGTERM and keeps its container as exited', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.savesOnSigterm);
      const { container, incarnation } = await started(engine, definition);
      await stateFile(definition.id, 'ready');
      const stopped = await engine.stop({ botId: definition.id, containerId: container.containerId });
      assert.equal(stopped.container?.phase, 'exited');
      assert.equal(stopped.lastExit?.incarnation, incarnation);
      assert.equal(stopped.lastExit.lastWords?.code, 'stopped');
      assert.equal(await stateFile(definition.id, 'saved'), 'yes');
      assert.equal((await engine.inspect(definition.id)).container?.phase, 'exited');
    });

    it('ends a bot that ignores SIGTERM after its grace', async (t) => {
      const { engine } = await watched(t, { stopGraceMs: 500 });
      const definition = await harness.makeBot(bots.ignoresSigterm);
      const { container } = await started(engine, definition);
      await stateFile(definition.id, 'ready');
      const stopped = await engine.stop({ botId: definition.id, containerId: container.containerId });
      assert.equal(stopped.container?.phase, 'exited');
      assert.equal(stopped.lastExit?.lastWords?.code, 'killed-after-grace');
    });

    it('ends, with the container, the processes a bot left behind', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.leavesChild);
      const { container } = await started(engine, definition);
      await stateFile(definition.id, 'beat');
      const removed = await engine.remove({ botId: definition.id, containerId: container.containerId });
      assert.equal(removed.container, null);
      const before = await stateFile(definition.id, 'beat');
      // Nothing can be waited for here: the heart, were it still beating, would beat fifteen times meanwhile.
      await sleep(300);
      assert.equal(await stateFile(definition.id, 'beat'), before);
      assert.equal((await engine.inspect(definition.id)).container, null);
    });

    it('takes the removal of an absent container for done', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.idle);
      const { container } = await started(engine, definition);
      const request = { botId: definition.id, containerId: container.containerId };
      await engine.remove(request);
      assert.equal((await engine.remove(request)).container, null);
    });

    it('shows a bot without a container as absent', async (t) => {
      const { engine } = await watched(t);
      const { id } = await harness.makeBot(bots.idle);
      const observation = await engine.inspect(id);
      assert.equal(observation.botId, id);
      assert.equal(observation.container, null);
    });

    it('names an endpoint at which the query server of a running bot answers', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.answersQueries);
      const { container } = await started(engine, definition);
      const { endpoint } = container;
      assert.ok(endpoint);
      const answer = await until('the query server answers', () =>
        get(`http://${endpoint.host}:${endpoint.port}/hello`),
      );
      assert.equal(answer, 'you asked /hello');
    });

    it('names no endpoint for a bot that answers no queries', async (t) => {
      const { engine } = await watched(t);
      const { container } = await started(engine, await harness.makeBot(bots.idle));
      assert.equal(container.endpoint, null);
    });

    it('gives the bot its config and keeps the runtime to itself', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(bots.tellsEnvironment);
      await started(engine, definition);
      const env: Record<string, string> = JSON.parse(await stateFile(definition.id, 'env'));
      assert.equal(env['BOT_ID'], definition.id);
      assert.equal(env['BOT_CONFIG'], '{"greeting":"\\u003chi\\u003e"}');
      const secret = Object.keys(env).filter((variable) => /^(MINIO_|NATS_URL|THE0_(?!QUERY_))/.test(variable));
      assert.deepEqual(secret, []);
    });

    it('tells what the agent of a running bot says, made harmless, and nothing of one that has ended', async (t) => {
      const { engine } = await watched(t);
      const text = JSON.stringify({ v: 1, conditions: [{ code: 'busy', message: 'red \u001b[31m\nline', since: 7 }] });
      const definition = await harness.makeBot(bots.saysConditions(text));
      const { container } = await started(engine, definition);
      await stateFile(definition.id, 'ready');
      const request = { botId: definition.id, containerId: container.containerId };
      assert.deepEqual(await engine.conditions(request), [{ code: 'busy', message: 'red [31m line', since: 7 }]);
      await engine.stop(request);
      assert.deepEqual(await engine.conditions(request), []);
    });

    it('tells nothing of a bot with which all is well, and refuses what no agent writes', async (t) => {
      const { engine } = await watched(t);
      const well = await harness.makeBot(bots.savesOnSigterm);
      const forger = await harness.makeBot(bots.saysConditions('{"v":1,"conditions":[{"code":"<b>"}]}'));
      const [first, second] = [await started(engine, well), await started(engine, forger)];
      await stateFile(well.id, 'ready');
      await stateFile(forger.id, 'ready');
      assert.deepEqual(await engine.conditions({ botId: well.id, containerId: first.container.containerId }), []);
      const asked = engine.conditions({ botId: forger.id, containerId: second.container.containerId });
      await assert.rejects(asked, (error) => error instanceof EngineError && error.failure.code === 'rejected');
    });

    it('says that the code is not there', async (t) => {
      const { engine } = await watched(t);
      const definition = { ...(await harness.makeBot(bots.idle)), specRevision: 'never-copied' };
      await assert.rejects(engine.start({ definition, incarnation: next(), inPlace: null }), (error) => {
        assert.ok(error instanceof EngineError);
        assert.equal(error.failure.code, 'code-unavailable');
        return true;
      });
      assert.equal((await engine.inspect(definition.id)).container, null);
    });

    it('lists nothing of another instance, and hears nothing of it', async (t) => {
      const { engine, seen } = await watched(t);
      const other = await watched(t, { instance: `other-${Date.now()}` });
      const mine = await harness.makeBot(bots.exits(1));
      const theirs = await harness.makeBot(bots.exits(2));
      const first = await started(engine, mine);
      const second = await started(other.engine, theirs);
      await seen.exitOf(mine.id, first.incarnation);
      await other.seen.exitOf(theirs.id, second.incarnation);
      assert.deepEqual(seen.of(theirs.id), []);
      assert.deepEqual(other.seen.of(mine.id), []);
    });

    it('runs different bots side by side', async (t) => {
      const { engine } = await watched(t);
      const definitions = await Promise.all([1, 2, 3].map(() => harness.makeBot(bots.idle)));
      const all = await Promise.all(definitions.map((definition) => started(engine, definition)));
      assert.equal(new Set(all.map(({ container }) => container.containerId)).size, 3);
      assert.ok(all.every(({ container }) => container.phase === 'running'));
    });

    it('ends every wait when it is closed', async () => {
      const engine = harness.makeEngine();
      await engine.watch(recordingListener());
      await engine.close();
      await engine.close();
    });

    if (traits.adopts) {
      it('finds what ran before it, reports it once and then calls listed', async (t) => {
        const before = harness.makeEngine();
        await before.watch(recordingListener());
        const running = await harness.makeBot(bots.answersQueries);
        const crashed = await harness.makeBot(bots.exits(9));
        const first = await started(before, running);
        const second = await started(before, crashed);
        await until('the bot has exited', async () => (await before.inspect(crashed.id)).container?.phase === 'exited');
        await before.close();

        const { seen } = await watched(t);
        const [found] = seen.of(running.id);
        assert.deepEqual(found?.container, first.container);
        assert.equal(seen.of(running.id).length, 1);
        const [exited] = seen.of(crashed.id);
        assert.equal(exited?.container?.phase, 'exited');
        assert.equal(exited.lastExit?.code, 9);
        assert.equal(exited.lastExit.incarnation, second.incarnation);
        assert.equal(seen.listings.length, 1);
        assert.ok(seen.listings[0]?.has(running.id) && seen.listings[0].has(crashed.id));
      });

      it('governs what it found: hears its exit and starts it again in place', async (t) => {
        const before = harness.makeEngine();
        const definition = await harness.makeBot(bots.exitsWhenAsked);
        const first = await started(before, definition);
        await before.close();

        const { engine, seen } = await watched(t);
        const endpoint = seen.of(definition.id)[0]?.container?.endpoint;
        assert.ok(endpoint);
        await until('the bot was asked', () => get(`http://${endpoint.host}:${endpoint.port}/exit`));
        const { lastExit } = await seen.exitOf(definition.id, first.incarnation);
        assert.equal(lastExit.code, 5);
        assert.equal(lastExit.lastWords?.code, 'bot-exited');
        const again = next();
        const inPlace = first.container.containerId;
        const observation = await engine.start({ definition, incarnation: again, inPlace });
        assert.equal(observation.container?.containerId, inPlace);
        assert.equal(observation.container.incarnation, again);
      });
    }

    if (traits.sharesNames) {
      it('refuses to run a bot that another instance runs on the same engine', async (t) => {
        const { engine } = await watched(t);
        const other = await watched(t, { instance: `other-${Date.now()}` });
        const definition = await harness.makeBot(bots.idle);
        await started(other.engine, definition);
        await assert.rejects(engine.start({ definition, incarnation: next(), inPlace: null }), (error) => {
          assert.ok(error instanceof EngineError);
          assert.equal(error.failure.code, 'name-taken');
          return true;
        });
        assert.equal((await other.engine.inspect(definition.id)).container?.phase, 'running');
      });
    }
  });
}

/** Only reached when something is wrong, so it may be long. */
const DEADLINE_MS = 60_000;

/** Polls until `look` gives something; fails with what was waited for. */
async function until<Result>(what: string, look: () => Promise<Result>): Promise<NonNullable<Result>> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await sleep(20)) {
    const result = await look();
    if (result) return result;
  }
  assert.fail(`waited in vain until ${what}`);
}

async function get(url: string): Promise<string | null> {
  return await new Promise((resolve) => {
    http
      .get(url, { agent: false }, (response) => {
        response.setEncoding('utf8');
        let body = '';
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve(body));
      })
      .on('error', () => resolve(null));
  });
}
