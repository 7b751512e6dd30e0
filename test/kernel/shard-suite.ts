import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KernelLimits } from '../../src/kernel/limits.ts';
import type { Shard } from '../../src/kernel/shard.ts';
import { ShardGone } from '../../src/kernel/shard-errors.ts';
import { Recorder, until } from './recorder.ts';
import type { ToyMessage } from './toy-behavior.ts';

export const LIMITS: KernelLimits = {
  mailboxSize: 64,
  messagesPerActorTurn: 16,
  turnBudgetMs: 5,
  dueTimersPerTurn: 1_024,
  unhandledEnvelopes: 10_000,
  restartBudget: { count: 3, withinMs: 60_000 },
  controlDeadlineMs: 20_000,
};

export type CreateShard = (recorder: Recorder, limits: KernelLimits) => Promise<Shard<ToyMessage>>;

/** What every shard guarantees (src/kernel/shard.ts), wherever it runs. */
export function shardSuite(name: string, create: CreateShard): void {
  describe(`a ${name} shard`, () => {
    it('spawns an actor with its first message and gives its effects to the listener', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        assert.equal(shard.post({ to: 'a', lane: 'user', message: note('hello'), spawn: true }), 'accepted');
        await until(() => recorder.notes('a').length === 1, 'the effect of a');
        assert.deepEqual(recorder.notes('a'), ['hello']);
      });
    });

    it('never calls the listener from within post', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        for (let i = 0; i < 2_000; i += 1)
          shard.post({ to: `a${i}`, lane: 'user', message: note('x'), spawn: i % 2 === 0 });
        assert.equal(recorder.all.length + recorder.letters.length, 0);
        await until(() => recorder.all.length + recorder.letters.length === 2_000, 'all effects and letters');
      });
    });

    it('keeps the order of each lane, and puts the system lane first', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({ to: 'a', lane: 'user', message: note('first'), spawn: true });
        for (const text of ['u1', 'u2', 'u3']) shard.post({ to: 'a', lane: 'user', message: note(text) });
        shard.post({ to: 'a', lane: 'observation', message: { kind: 'observed', seen: [1] } });
        for (const text of ['s1', 's2', 's3']) shard.post({ to: 'a', lane: 'system', message: note(text) });
        await until(() => recorder.notes('a').length === 8, 'eight notes');
        assert.deepEqual(recorder.notes('a'), ['first', 's1', 's2', 's3', 'saw 1', 'u1', 'u2', 'u3']);
      });
    });

    it('keeps the order of many messages over many turns', async () => {
      await using(create, { ...LIMITS, mailboxSize: 5_000 }, async (shard, recorder) => {
        const expected = Array.from({ length: 3_000 }, (_, i) => `${i}`);
        for (const text of expected) shard.post({ to: 'a', lane: 'user', message: note(text), spawn: true });
        await until(() => recorder.notes('a').length === 3_000, 'all notes');
        // The one that spawned the actor went through the system lane, which is first anyway.
        assert.deepEqual(recorder.notes('a'), expected);
      });
    });

    it('joins observations the actor has not seen yet into one message', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({ to: 'a', lane: 'user', message: note('first'), spawn: true });
        for (const n of [1, 2, 3])
          shard.post({ to: 'a', lane: 'observation', message: { kind: 'observed', seen: [n] } });
        await until(() => recorder.notes('a').length === 2, 'one note for all observations');
        assert.deepEqual(recorder.notes('a'), ['first', 'saw 1+2+3']);
      });
    });

    it('reports messages to actors that do not exist', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({ to: 'nobody', lane: 'user', message: note('lost') });
        await until(() => recorder.letters.length === 1, 'the letter');
        assert.deepEqual(recorder.letters[0], {
          envelope: { to: 'nobody', lane: 'user', message: note('lost') },
          cause: 'no-such-actor',
        });
      });
    });

    it('refuses what floods one mailbox, message by message, while other actors run on', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({ to: 'other', lane: 'user', message: note('born'), spawn: true });
        for (let i = 0; i < 1_000; i += 1) {
          shard.post({ to: 'flooded', lane: 'user', message: note(`${i}`), spawn: true });
        }
        shard.post({ to: 'flooded', lane: 'system', message: note('system has a lane of its own') });
        shard.post({ to: 'other', lane: 'user', message: note('alive') });
        await until(() => recorder.all.length + recorder.letters.length === 1_003, 'everything handled or refused');
        assert.deepEqual(recorder.notes('other'), ['born', 'alive']);
        assert.ok(recorder.notes('flooded').includes('system has a lane of its own'));
        assert.ok(recorder.letters.length > 0);
        assert.deepEqual(new Set(recorder.causes('flooded')), new Set(['mailbox-full']));
      });
    });

    it('answers full beyond its bound, coalesces observations meanwhile, and has room again later', async () => {
      await using(create, { ...LIMITS, unhandledEnvelopes: 10 }, async (shard, recorder) => {
        shard.post({ to: 'a', lane: 'user', message: note('born'), spawn: true });
        const answers = Array.from({ length: 20 }, () => shard.post({ to: 'a', lane: 'user', message: note('x') }));
        assert.equal(answers.filter((answer) => answer === 'accepted').length, 9);
        for (const n of [1, 2, 3]) {
          const answer = shard.post({ to: 'a', lane: 'observation', message: { kind: 'observed', seen: [n] } });
          assert.equal(answer, 'accepted');
        }
        await until(() => recorder.notes('a').includes('saw 1+2+3'), 'the joined observation');
        assert.equal(shard.post({ to: 'a', lane: 'user', message: note('last') }), 'accepted');
        await until(() => recorder.notes('a').at(-1) === 'last', 'the last note');
      });
    });

    it('keeps timers, replaces those of the same key, and cancels', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        const post = (message: ToyMessage) => shard.post({ to: 'a', lane: 'user', message, spawn: true });
        // So far apart that a thread which is held up between two messages fires none too early.
        post({ kind: 'set-timer', key: 'replaced', inMs: 400, text: 'too early' });
        post({ kind: 'set-timer', key: 'replaced', inMs: 1_200, text: 'replaced' });
        post({ kind: 'set-timer', key: 'cancelled', inMs: 400, text: 'cancelled' });
        post({ kind: 'cancel-timer', key: 'cancelled' });
        post({ kind: 'set-timer', key: 'plain', inMs: 800, text: 'plain' });
        await until(() => recorder.notes('a').length >= 2, 'two timers');
        assert.deepEqual(recorder.notes('a'), ['plain', 'replaced']);
      });
    });

    it('forgets an actor that ended, with its timers, and may spawn it anew', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({
          to: 'a',
          lane: 'user',
          message: { kind: 'set-timer', key: 't', inMs: 20, text: 'ghost' },
          spawn: true,
        });
        shard.post({ to: 'a', lane: 'user', message: { kind: 'end' } });
        shard.post({ to: 'a', lane: 'user', message: note('too late') });
        await until(() => recorder.causes('a').length === 1, 'the rest of its mailbox');
        assert.deepEqual(recorder.kinds('a'), ['ended']);
        assert.deepEqual(await shard.snapshot(null), []);
        shard.post({ to: 'a', lane: 'user', message: note('new life'), spawn: true });
        shard.post({
          to: 'c',
          lane: 'user',
          message: { kind: 'set-timer', key: 't', inMs: 40, text: 'late' },
          spawn: true,
        });
        await until(() => recorder.notes('c').length === 1, 'a timer later than the one that was forgotten');
        assert.deepEqual(await shard.snapshot(['a', 'b']), [{ id: 'a', notes: ['new life'] }]);
      });
    });

    it('recovers an actor that always throws, says when its budget is spent, and nothing else stops', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({ to: 'good', lane: 'user', message: note('before'), spawn: true });
        for (let i = 0; i < 5; i += 1) shard.post({ to: 'bad', lane: 'user', message: { kind: 'throw' }, spawn: true });
        shard.post({ to: 'good', lane: 'user', message: note('after') });
        await until(() => recorder.kinds('bad').length === 5 && recorder.notes('good').length === 2, 'all of it');
        const exhausted = recorder.all.flatMap(({ effect }) => (effect.kind === 'recovered' ? [effect.exhausted] : []));
        assert.deepEqual(exhausted, [false, false, false, true, true]);
      });
    });

    it('reports an actor whose recovery throws as lost, with all that waited for it', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({ to: 'bad', lane: 'user', message: note('born'), spawn: true });
        shard.post({ to: 'bad', lane: 'user', message: { kind: 'throw-in-recover' } });
        shard.post({ to: 'bad', lane: 'user', message: note('waiting') });
        shard.post({ to: 'good', lane: 'user', message: note('fine'), spawn: true });
        await until(() => recorder.letters.length === 2 && recorder.notes('good').length === 1, 'both letters');
        assert.deepEqual(recorder.causes('bad'), ['actor-lost', 'actor-lost']);
        assert.equal(recorder.letters[0]?.error?.message, 'recover gave up');
        assert.deepEqual(await shard.snapshot(null), [{ id: 'good', notes: ['fine'] }]);
        assert.deepEqual(recorder.deaths, []);
      });
    });

    it('reports an actor that cannot even be created', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        shard.post({ to: 'unborn', lane: 'user', message: note('x'), spawn: true });
        await until(() => recorder.letters.length === 1, 'the letter');
        assert.deepEqual(recorder.causes('unborn'), ['actor-lost']);
      });
    });

    it('leaves an actor out of a snapshot when its snapshot throws, and supervises it', async () => {
      await using(create, LIMITS, async (shard, recorder) => {
        for (const id of ['shy', 'open']) shard.post({ to: id, lane: 'user', message: note('x'), spawn: true });
        await until(() => recorder.all.length === 2, 'both actors');
        assert.deepEqual(await shard.snapshot(null), [{ id: 'open', notes: ['x'] }]);
        await until(() => recorder.kinds('shy').includes('recovered'), 'the recovery');
      });
    });

    it('lets the event loop live while actors are flooded and timers re-arm themselves for ever', async () => {
      await using(create, { ...LIMITS, turnBudgetMs: 1 }, async (shard, recorder) => {
        for (let i = 0; i < 200; i += 1)
          shard.post({ to: `a${i}`, lane: 'user', message: { kind: 'again' }, spawn: true });
        shard.post({
          to: 'b',
          lane: 'user',
          message: { kind: 'set-timer', key: 't', inMs: 5, text: 'rang' },
          spawn: true,
        });
        await until(() => recorder.notes('b').length === 1, 'the timer of b');
        assert.equal((await shard.snapshot(['b'])).length, 1);
      });
    });

    it('handles what it was given before it stops, and takes nothing afterwards', async () => {
      const recorder = new Recorder();
      const shard = await create(recorder, LIMITS);
      for (let i = 0; i < 1_000; i += 1) {
        shard.post({ to: `a${i % 50}`, lane: 'user', message: note(`${i}`), spawn: true });
      }
      await shard.stop();
      assert.equal(recorder.all.length, 1_000);
      assert.equal(shard.post({ to: 'a', lane: 'user', message: note('late') }), 'full');
      await assert.rejects(shard.snapshot(null), ShardGone);
      await shard.stop();
      assert.deepEqual(recorder.deaths, []);
    });

    it('looks like a crash when killed: dead once, and then silence', async () => {
      const recorder = new Recorder();
      const shard = await create(recorder, LIMITS);
      shard.post({ to: 'a', lane: 'user', message: { kind: 'set-timer', key: 't', inMs: 5, text: 'x' }, spawn: true });
      shard.kill();
      shard.kill();
      await until(() => recorder.deaths.length === 1, 'the death');
      assert.ok(recorder.deaths[0] instanceof ShardGone);
      assert.equal(shard.post({ to: 'a', lane: 'user', message: note('late') }), 'full');
      await assert.rejects(shard.snapshot(null), ShardGone);
      await sleep(20);
      assert.equal(recorder.deaths.length, 1);
      assert.equal(recorder.calledAfterDeath, false);
    });
  });
}

export function note(text: string): ToyMessage {
  return { kind: 'note', text };
}

/** Runs `body` with a shard that is stopped afterwards. */
async function using(
  create: CreateShard,
  limits: KernelLimits,
  body: (shard: Shard<ToyMessage>, recorder: Recorder) => Promise<void>,
): Promise<void> {
  const recorder = new Recorder();
  const shard = await create(recorder, limits);
  try {
    await body(shard, recorder);
  } finally {
    shard.kill();
    await until(() => recorder.deaths.length === 1, 'the end of the shard');
  }
}
