import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { LedgerRequest, ScheduleRecord } from '../../actors/run-record.ts';
import { LocalRunLedger } from '../../src/desired/local/local-run-ledger.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { LedgerExecutor } from '../../src/supervisor/ledger-executor.ts';
import { RunGate } from '../../src/supervisor/run-gate.ts';

const READ = { op: 'read' } as const;
const CLAIM = { op: 'claim', occurrence: 60, expected: 60, next: 120, incarnation: 1, dueAt: 60_000 } as const;

/** Answers reads when it is told to. */
class HeldLedger extends LocalRunLedger {
  readonly reads: { readonly botId: string; readonly answer: () => void }[] = [];
  underWay = 0;
  most = 0;

  override read(botId: string): Promise<ScheduleRecord | null> {
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    return new Promise((resolve) => {
      const answer = () => {
        this.underWay -= 1;
        resolve(null);
      };
      this.reads.push({ botId, answer });
    });
  }

  /** Until nothing more is asked. */
  async answerAll(): Promise<void> {
    for (let idle = 0; idle < 10; await turn()) {
      idle = this.reads.length > 0 ? 0 : idle + 1;
      for (const { answer } of this.reads.splice(0)) answer();
    }
  }
}

async function scene(t: TestContext, calls: number) {
  const directory = await mkdtemp(join(tmpdir(), 'the0-ledger-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const ledger = new HeldLedger({ directory, owner: 'me' });
  const gate = new RunGate(1);
  const answers: string[] = [];
  const executor = new LedgerExecutor({
    ledger,
    gate,
    clock: createVirtualClock({ startMs: 0 }),
    callDeadlineMs: 1_000,
    calls,
    definitionOf: () => null,
    answer: (botId, message) => answers.push(`${botId} ${'ask' in message ? message.ask : ''}`),
  });
  const ask = (botId: string, asked: number, request: LedgerRequest = READ) =>
    executor.execute({ kind: 'ledger', botId, ask: asked, request });
  return { ledger, gate, executor, ask, answers };
}

test('of thousands of bots that are looked up at once, only so many calls are under way, and each has its answer in turn', async (t) => {
  const { ledger, ask, answers } = await scene(t, 16);
  const ids = Array.from({ length: 5_000 }, (_, index) => `bot-${index}`);
  for (const id of ids) ask(id, 1);
  await ledger.answerAll();
  assert.equal(ledger.most, 16);
  assert.deepEqual(
    answers,
    ids.map((id) => `${id} 1`),
  );
});

test('what is asked once more while it waits keeps its place, and only the newest is answered', async (t) => {
  const { ledger, ask, answers } = await scene(t, 1);
  for (const id of ['a', 'b', 'c']) ask(id, 1);
  ask('b', 2);
  await ledger.answerAll();
  assert.deepEqual(answers, ['a 1', 'b 2', 'c 1']);
});

test('a claim that is given up before its call gives its place at the gate to the next', async (t) => {
  const { ledger, gate, executor, ask, answers } = await scene(t, 1);
  ask('busy', 1);
  for (const [id, given] of [
    ['dropped', () => executor.drop('dropped')],
    ['other', () => ask('other', 2)],
  ] as const) {
    ask(id, 1, CLAIM);
    ask('next', 1, CLAIM);
    assert.deepEqual([gate.isWaiting(id), gate.isWaiting('next')], [false, true]);
    given();
    assert.equal(gate.isWaiting('next'), false);
    executor.drop('next');
  }
  assert.equal(gate.underWay, 0);
  await ledger.answerAll();
  assert.deepEqual(answers, ['busy 1', 'other 2']);
});

test('nothing that waits is called any more after the end', async (t) => {
  const { ledger, executor, ask, answers } = await scene(t, 1);
  for (const id of ['a', 'b']) ask(id, 1);
  executor.close();
  await ledger.answerAll();
  assert.deepEqual(answers, []);
});
