import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RunLedger } from '../../src/desired/run-ledger.ts';
import { RunGate } from '../../src/supervisor/run-gate.ts';
import { aBot } from '../desired/a-bot.ts';
import { FakeLedger } from '../simulation/fake-ledger.ts';
import { Random } from '../simulation/random.ts';
import { Stage, type StageOptions } from './stage.ts';

const SCHEDULED = { kind: 'scheduled', schedule: '* * * * *' } as const;
/** The stage's clock starts 20 s after a full minute. */
const TO_NEXT_MS = 40_000;

class ScheduledStage extends Stage {
  readonly ledger: FakeLedger;

  constructor(t: TestContext, options: StageOptions = {}) {
    const made: FakeLedger[] = [];
    super(t, {
      ...options,
      ledger: (clock): RunLedger => {
        const ledger = new FakeLedger(clock, new Random(1));
        made.push(ledger);
        return ledger.of('one');
      },
    });
    const [ledger] = made;
    assert.ok(ledger);
    this.ledger = ledger;
  }
}

test('2,000 bots that are due in the same second run each exactly once, no more at a time than may, in the order of the gate', async (t) => {
  const stage = new ScheduledStage(t, { supervisor: { scheduledRuns: 50, liveStarts: 20 } });
  stage.engine.containers.runMs = () => 400;
  const ids = Array.from({ length: 2_000 }, (_, index) => `bot-${String(index).padStart(4, '0')}`);
  await stage.start(...ids.map((id) => aBot(id, SCHEDULED)));
  stage.clock.advance(TO_NEXT_MS - 1_000);
  let most = 0;
  while (stage.engine.containers.runs.length < 2_000) {
    await stage.advance(50);
    most = Math.max(
      most,
      stage.engine.containers.list().filter(({ container }) => container?.phase === 'running').length,
    );
    assert.ok(
      stage.clock.now() < 1_700_000_000_000 + TO_NEXT_MS + 55_000,
      'it takes longer than until the next minute',
    );
  }
  assert.ok(most <= 50, `${most} at a time`);
  assert.ok(most > 25, `only ${most} at a time`);
  assert.equal(new Set(stage.engine.containers.runs).size, 2_000);
  assert.equal(new Set(stage.engine.containers.runs.map((run) => run.split('@')[1])).size, 1);
  assert.deepEqual(stage.engine.violations, []);
});

test('a run is shown as waiting for its turn, and goes when another has ended', async (t) => {
  const stage = new ScheduledStage(t, { supervisor: { scheduledRuns: 1 } });
  stage.engine.containers.runMs = () => 5_000;
  await stage.start(aBot('a', SCHEDULED), aBot('b', SCHEDULED));
  assert.deepEqual(await stage.states(), { a: 'idle', b: 'idle' });
  await stage.advance(TO_NEXT_MS + 2_000);
  const bots = await stage.supervisor.list();
  assert.deepEqual(bots.map(({ state }) => state).sort(), ['idle', 'running']);
  assert.equal(bots.find(({ state }) => state === 'idle')?.reason.code, 'run-queued');
  await stage.advance(6_000);
  assert.equal(stage.engine.containers.runs.length, 2);
});

test('a run outlives a shard, and its place is given back at its end', async (t) => {
  const stage = new ScheduledStage(t, { shards: 1, supervisor: { scheduledRuns: 1 } });
  stage.engine.containers.runMs = () => 5_000;
  await stage.start(aBot('a', SCHEDULED));
  await stage.advance(TO_NEXT_MS + 1_000);
  stage.supervisor.killShard('shard-0');
  await stage.advance(8_000);
  assert.equal((await stage.status('a'))?.state, 'idle');
  assert.deepEqual(stage.engine.containers.list(), []);
  await stage.advance(60_000);
  assert.equal(stage.engine.containers.runs.length, 2);
});

test('without a ledger nothing is started, and it is told why', async (t) => {
  const stage = new Stage(t);
  await stage.start(aBot('a', SCHEDULED));
  await stage.advance(TO_NEXT_MS + 30_000);
  assert.equal((await stage.status('a'))?.reason.code, 'ledger-unavailable');
  assert.equal(stage.engine.containers.runs.length, 0);
});

test('a bot that is deleted while its run waits for its turn gives up its place', async (t) => {
  const stage = new ScheduledStage(t, { supervisor: { scheduledRuns: 1 } });
  stage.engine.containers.runMs = () => 20_000;
  await stage.start(aBot('a', SCHEDULED), aBot('b', SCHEDULED));
  await stage.advance(TO_NEXT_MS + 2_000);
  const waiting = (await stage.supervisor.list()).find(({ state }) => state === 'idle')?.id ?? '';
  stage.delete(waiting);
  await stage.advance(1_000);
  assert.equal(stage.supervisor.knows(waiting), false);
  await stage.advance(90_000);
  assert.ok(stage.engine.containers.runs.length >= 2);
  assert.ok(stage.engine.containers.runs.every((run) => !run.startsWith(waiting)));
});

test('who was due first goes first, and one waits per bot', () => {
  const gate = new RunGate(1);
  const admitted: string[] = [];
  const enter = (botId: string, dueAt: number, label = botId) => gate.enter(botId, dueAt, () => admitted.push(label));
  enter('a', 50);
  enter('late', 30);
  enter('early', 10);
  enter('early', 10, 'early again');
  enter('gone', 5);
  gate.withdraw('gone');
  assert.deepEqual(admitted, ['a']);
  gate.release('a');
  gate.release('a');
  assert.deepEqual(admitted, ['a', 'early again']);
  gate.hold('found');
  gate.release('early');
  assert.deepEqual(admitted, ['a', 'early again'], 'a run that was found has a place as well');
  gate.release('found');
  assert.deepEqual(admitted, ['a', 'early again', 'late']);
  enter('late', 60, 'late once more');
  assert.deepEqual(admitted.at(-1), 'late once more', 'who has a place has it');
});
