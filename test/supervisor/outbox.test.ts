import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BotKind } from '../../actors/bot-spec.ts';
import type { BotMessage } from '../../actors/message.ts';
import type { ExitFacts, Observation } from '../../actors/observation.ts';
import type { Envelope } from '../../src/kernel/behavior.ts';
import type { Shard } from '../../src/kernel/shard.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { desireMessage, introduction } from '../../src/supervisor/bot-messages.ts';
import { Outbox } from '../../src/supervisor/outbox.ts';
import type { RosterEntry } from '../../src/supervisor/roster.ts';
import { aBot } from '../desired/a-bot.ts';
import { Stage, withPost } from './stage.ts';

/** A shard with as much room as the test says. */
function setUp() {
  const clock = createVirtualClock({ startMs: 1_000 });
  const taken: Envelope<BotMessage>[] = [];
  const world = { room: 0, alive: true };
  const shard: Shard<BotMessage> = {
    id: 's',
    post(envelope) {
      if (world.room === 0) return 'full';
      world.room -= 1;
      taken.push(envelope);
      return 'accepted';
    },
    snapshot: async () => [],
    stop: async () => {},
    kill: () => {},
  };
  const outbox = new Outbox(clock, () => (world.alive ? shard : null), 20);
  const post = (to: string, message: BotMessage, spawn = false) =>
    outbox.post({ to, lane: 'user', message, ...(spawn ? { spawn } : {}) });
  const told = () => taken.map(({ to, message }) => `${to} ${message.kind}`);
  return { clock, taken, world, outbox, post, told };
}

function entry(botId: string, specRevision = 'r1'): RosterEntry {
  const observation = null;
  return {
    botId,
    definition: aBot(botId, { specRevision }),
    removal: null,
    observation,
    lastTransition: null,
    shardId: 's',
  };
}

const ADDITIONS = { shapeRevisionOf: () => 'shape', keptElsewhere: new Map<BotKind, string>() };
const desired = (botId: string, specRevision?: string) => desireMessage(entry(botId, specRevision), ADDITIONS);
const MEMORY = { incarnation: 3, attempt: 2, restarts: 2, backoffUntil: 9, reason: null };
const IN_FLIGHT = { effect: 'start', incarnation: 3 } as const;

function observed(botId: string, at: number, lastExit: ExitFacts | null = null): BotMessage & { kind: 'observed' } {
  const observation: Observation = { botId, container: null, lastExit, at };
  return { kind: 'observed', observation };
}

test('what a full shard has no room for is told when there is room, in order', () => {
  const { clock, world, post, told } = setUp();
  post('a', desired('a'));
  post('b', desired('b'));
  post('a', { kind: 'command', verb: 'restart' });
  clock.advance(100);
  assert.deepEqual(told(), []);
  world.room = 2;
  clock.advance(100);
  world.room = 10;
  clock.advance(100);
  assert.deepEqual(told(), ['a desired', 'a command', 'b desired']);
  assert.equal(clock.pending(), 0);
});

test('a newer message overtakes none that waits', () => {
  const { clock, world, post, told } = setUp();
  post('a', desired('a'));
  world.room = 10;
  post('b', desired('b'));
  clock.advance(100);
  assert.deepEqual(told(), ['a desired', 'b desired']);
});

test('an observation never comes before the message that makes its actor', () => {
  const { clock, taken, world, post, told } = setUp();
  post('a', introduction(entry('a'), ADDITIONS, MEMORY, IN_FLIGHT), true);
  post('a', observed('a', 1));
  post('a', desired('a', 'r2'));
  world.room = 10;
  clock.advance(100);
  assert.deepEqual(told(), ['a desired', 'a observed']);
  const [first] = taken;
  assert.ok(first?.message.kind === 'desired' && first.spawn === true);
  assert.equal(first.message.spec.specRevision, 'r2');
  assert.deepEqual(first.message.memory, MEMORY);
  assert.deepEqual(first.message.inFlight, IN_FLIGHT);
});

test('what was in flight is carried over to a message of another kind', () => {
  const { clock, taken, world, post } = setUp();
  post('a', introduction(entry('a'), ADDITIONS, MEMORY, IN_FLIGHT), true);
  post('a', { kind: 'removed', cause: 'deleted', botId: 'a' });
  world.room = 10;
  clock.advance(100);
  const [only] = taken;
  assert.ok(only?.message.kind === 'removed' && only.spawn === true);
  assert.deepEqual(only.message.inFlight, IN_FLIGHT);
});

test('an exit that waits is not lost to a newer observation', () => {
  const { clock, taken, world, post } = setUp();
  const exit = { incarnation: 1, code: 3, signal: null, outOfMemory: false, lastWords: null, at: 5 };
  post('a', observed('a', 5, exit));
  post('a', observed('a', 6));
  world.room = 10;
  clock.advance(100);
  const [only] = taken;
  assert.ok(only?.message.kind === 'observed');
  assert.equal(only.message.observation.at, 6);
  assert.deepEqual(only.message.observation.lastExit, exit);
});

test('answers to different effects do not replace each other', () => {
  const { clock, world, post, told } = setUp();
  const { observation } = observed('a', 1);
  post('a', { kind: 'effect-done', effect: 'inspect', incarnation: 3, observation });
  post('a', { kind: 'effect-failed', effect: 'start', incarnation: 3, failure: { code: 'rejected', facts: {} } });
  world.room = 10;
  clock.advance(100);
  assert.deepEqual(told(), ['a effect-done', 'a effect-failed']);
});

test('however much is posted to a shard that takes nothing, little waits', () => {
  const { clock, world, post, told } = setUp();
  for (let i = 0; i < 10_000; i += 1) {
    post('a', desired('a', `r${i}`));
    post('a', { kind: 'question', askId: i });
    post('a', { kind: 'command', verb: i % 2 === 0 ? 'restart' : 'reset' });
    post('a', { kind: 'dependency', name: 'engine', available: true });
  }
  world.room = 100_000;
  clock.advance(100);
  assert.equal(told().length, 5);
});

test('one bot whose mailbox is full does not hold up the others', () => {
  const { clock, world, outbox, post, told } = setUp();
  world.room = 10;
  outbox.postLater({ to: 'a', lane: 'user', message: { kind: 'command', verb: 'restart' } });
  post('b', desired('b'));
  assert.deepEqual(told(), ['b desired']);
  clock.advance(100);
  assert.deepEqual(told(), ['b desired', 'a command']);
});

test('while the shard is being replaced only commands are kept', () => {
  const { clock, world, outbox, post } = setUp();
  post('a', desired('a'));
  world.alive = false;
  post('a', desired('a'));
  post('a', observed('a', 1));
  post('a', { kind: 'command', verb: 'reset' });
  const commands = outbox.takeCommands();
  assert.deepEqual(
    commands.map(({ message }) => message),
    [{ kind: 'command', verb: 'reset' }],
  );
  clock.advance(100);
  assert.equal(clock.pending(), 0);
});

test('closed, it waits for nothing', () => {
  const { clock, outbox, post } = setUp();
  post('a', desired('a'));
  outbox.close();
  post('b', desired('b'));
  assert.equal(clock.pending(), 0);
});

test('a shard with hardly any room still governs all its bots', async (t) => {
  const stage = new Stage(t, { shards: 1, limits: { unhandledEnvelopes: 2 } });
  const bots = Array.from({ length: 50 }, (_, index) => aBot(`bot-${index}`));
  await stage.start(...bots);
  await stage.advance(3_000);
  assert.deepEqual(new Set(Object.values(await stage.states())), new Set(['running']));
  for (const { id } of bots) stage.desire(aBot(id, { specRevision: 'r2' }));
  stage.shardOf('bot-0').kill();
  await stage.advance(5_000);
  assert.deepEqual(
    new Set(stage.engine.containers.list().map(({ container }) => container?.specRevision)),
    new Set(['r2']),
  );
  assert.deepEqual(stage.engine.violations, []);
});

test('an edit that found a full mailbox never overwrites a newer one', async (t) => {
  // The shard hands the first edit back, as one with a full mailbox does, after it took the second.
  let refused: Envelope<BotMessage> | null = null;
  let giveBack: () => void = () => {};
  const stage = new Stage(t, {
    shards: 1,
    wrapShard: (shard, listener) => {
      giveBack = () => {
        if (refused !== null) listener.undelivered([{ envelope: refused, cause: 'mailbox-full' }]);
      };
      return withPost(shard, (envelope) => {
        const { message } = envelope;
        const isFirstEdit = message.kind === 'desired' && message.spec.specRevision === 'r2' && refused === null;
        if (!isFirstEdit) return shard.post(envelope);
        refused = envelope;
        return 'accepted';
      });
    },
  });
  await stage.start(aBot('a'));
  stage.desire(aBot('a', { specRevision: 'r2' }));
  stage.desire(aBot('a', { specRevision: 'r3' }));
  giveBack();
  await stage.advance(1_000);
  assert.notEqual(refused, null);
  assert.equal(stage.engine.containers.observe('a').container?.specRevision, 'r3');
  assert.equal((await stage.status('a'))?.state, 'running');
});
