import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBehavior } from '../../actors/behavior.ts';
import type { BotSpec } from '../../actors/bot-spec.ts';
import type { ExitFacts } from '../../actors/observation.ts';
import type { LedgerRequest, RunRecord, ScheduleRecord } from '../../actors/run-record.ts';
import { Random } from '../simulation/random.ts';
import { Driver, SETTINGS, SPEC, T0 } from './driver.ts';

/** 2023-11-14T22:13:20Z: the next minute is 40 s away. */
const NEXT = T0 / 1000 + 40;
const SCHEDULED: Partial<BotSpec> = { kind: 'scheduled', schedule: '* * * * *' };

/** An actor of a scheduled bot, with a ledger that answers when it is told to. */
class Scheduled extends Driver {
  record: ScheduleRecord | null = null;

  request(): LedgerRequest | null {
    return this.of('ledger').at(-1)?.request ?? null;
  }

  /** Carries out what is asked of the ledger and answers, until nothing is asked any more. */
  answer(): this {
    for (let request = this.request(); request !== null; request = this.request()) {
      this.record = carryOut(this.record, request, this.now);
      const ask = this.of('ledger').at(-1)?.ask ?? 0;
      this.tell({ kind: 'ledger-done', ask, record: this.record });
    }
    return this;
  }

  refuse(): this {
    const ask = this.of('ledger').at(-1)?.ask ?? 0;
    return this.tell({ kind: 'ledger-failed', ask, detail: 'connection refused' });
  }

  at(seconds: number): this {
    this.now = seconds * 1000;
    return this;
  }

  run(phase: 'running' | 'exited' | 'created' = 'running') {
    return this.container({ phase, occurrence: this.record?.run?.occurrence ?? 0 });
  }

  override crash(change: Partial<ExitFacts> = {}): this {
    return this.observed(this.run('exited'), this.exit(change));
  }

  static idle(change: Partial<BotSpec> = {}): Scheduled {
    const bot = new Scheduled();
    bot.desired({ ...SCHEDULED, ...change });
    bot.observed(null);
    return bot.answer();
  }

  /** One whose first run has been started. */
  static begun(): Scheduled {
    const bot = Scheduled.idle().at(NEXT);
    bot.timer('due');
    bot.answer();
    bot.pass(100).done(bot.run());
    return bot.answer();
  }
}

function carryOut(record: ScheduleRecord | null, request: LedgerRequest, now: number): ScheduleRecord | null {
  const run = record?.run ?? null;
  const changed = (state: RunRecord['state'], exitCode: number | null = null): ScheduleRecord | null =>
    record === null || run === null ? record : { ...record, run: { ...run, state, exitCode } };
  switch (request.op) {
    case 'read':
      return record;
    case 'plan':
      return { schedule: request.schedule, next: request.next, run };
    case 'claim': {
      const { occurrence, incarnation, next } = request;
      const claimed: RunRecord = {
        occurrence,
        incarnation,
        state: 'claimed',
        claimedAt: now,
        mine: true,
        exitCode: null,
      };
      return { schedule: record?.schedule ?? null, next, run: claimed };
    }
    case 'started':
      return changed('started');
    case 'finished':
      return changed('finished', request.exitCode);
    case 'missed':
      return changed('missed');
  }
}

test('a new schedule first runs at its next time, not at once', () => {
  const bot = Scheduled.idle();
  assert.equal(bot.is, 'idle/next-run');
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.record?.next, NEXT);
  assert.equal(bot.status.nextRunAt, NEXT * 1000);
  assert.equal(bot.state.schedule?.dueAt, NEXT * 1000);
});

test('an occurrence is claimed, started, recorded, cleared away; then the next is waited for', () => {
  const bot = Scheduled.begun();
  assert.equal(bot.is, 'running/run-started');
  assert.equal(bot.record?.run?.state, 'started');
  assert.equal(bot.record?.run?.occurrence, NEXT);
  assert.equal(bot.record?.next, NEXT + 60);
  bot.pass(2_000).crash({ code: 0 });
  assert.deepEqual(bot.request(), { op: 'finished', occurrence: NEXT, exitCode: 0 });
  assert.deepEqual(bot.asked, []);
  bot.answer();
  assert.deepEqual(bot.asked, ['remove c1']);
  assert.equal(bot.is, 'idle/run-finished');
  bot.done(null);
  assert.equal(bot.is, 'idle/run-finished');
  assert.equal(bot.state.schedule?.dueAt, (NEXT + 60) * 1000);
  assert.deepEqual(bot.transitions, [
    'waiting → idle: next-run',
    'idle → starting: run-due',
    'starting → running: run-started',
    'running → idle: run-finished',
  ]);
});

test('the start is asked for only when the claim was granted, and names the occurrence', () => {
  const bot = Scheduled.idle().at(NEXT);
  bot.timer('due');
  assert.equal(bot.request()?.op, 'claim');
  assert.deepEqual(bot.asked, []);
  bot.answer();
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.of('start')[0]?.occurrence, NEXT);
});

test('a failed run is told with its code, and not repeated', () => {
  const bot = Scheduled.begun();
  bot.pass(2_000).crash({ code: 3 });
  bot.answer().done(null);
  assert.equal(bot.is, 'idle/run-failed');
  assert.equal(bot.status.reason.facts['exitCode'], 3);
  assert.equal(bot.record?.run?.exitCode, 3);
  assert.deepEqual(bot.asked, []);
});

test('an occurrence that another runtime has taken is not run here', () => {
  const bot = Scheduled.idle().at(NEXT);
  bot.timer('due');
  const run: RunRecord = {
    occurrence: NEXT,
    incarnation: 1,
    state: 'claimed',
    claimedAt: bot.now,
    mine: false,
    exitCode: null,
  };
  bot.record = { schedule: '* * * * *', next: NEXT + 60, run };
  bot.tell({ kind: 'ledger-done', ask: bot.of('ledger').at(-1)?.ask ?? 0, record: bot.record });
  assert.equal(bot.is, 'idle/run-elsewhere');
  assert.deepEqual(bot.asked, []);
  bot.pass(60_001).timer('due').answer();
  assert.equal(bot.is, 'idle/run-elsewhere');
  bot.pass(600_000).timer('due').answer();
  assert.deepEqual(bot.asked, ['start'], 'the other one never began: recorded as missed, and the next is run');
  assert.equal(bot.of('start')[0]?.occurrence, NEXT + 60);
});

test('what was missed while the runtime was down is made up for by one run', () => {
  const bot = new Scheduled();
  bot.record = { schedule: '* * * * *', next: NEXT - 7_200, run: null };
  bot.desired(SCHEDULED);
  bot.observed(null).answer();
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.record?.next, NEXT);
  assert.equal(bot.record?.run?.occurrence, NEXT - 7_200);
  assert.equal(bot.status.reason.facts['byDowntime'], true);
});

function claimedBefore(ageMs: number, state: 'claimed' | 'started' = 'claimed'): Scheduled {
  const bot = new Scheduled();
  const run: RunRecord = {
    occurrence: NEXT - 60,
    incarnation: 5,
    state,
    claimedAt: T0 - ageMs,
    mine: true,
    exitCode: null,
  };
  bot.record = { schedule: '* * * * *', next: NEXT, run };
  bot.desired(SCHEDULED);
  return bot;
}

test('what was claimed and not started before a restart is run within the window', () => {
  const bot = claimedBefore(20_000).observed(null).answer();
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.of('start')[0]?.occurrence, NEXT - 60);
});

test('after the window it is recorded as missed', () => {
  const bot = claimedBefore(60_001).observed(null).answer();
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.record?.run?.state, 'missed');
  assert.equal(bot.is, 'idle/run-missed');
});

test('what was started is never run again', () => {
  const bot = claimedBefore(1, 'started').observed(null).answer();
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.record?.run?.state, 'finished');
  assert.equal(bot.is, 'idle/run-vanished');
});

test('a run that is found after a restart is adopted, and its end recorded', () => {
  const bot = claimedBefore(1_000);
  const container = bot.container({ occurrence: NEXT - 60, incarnation: 5 });
  bot.found(container).answer();
  assert.equal(bot.is, 'running/run-adopted');
  assert.equal(bot.record?.run?.state, 'started');
  bot
    .pass(1_000)
    .observed({ ...container, phase: 'exited', endpoint: null }, bot.exit({ code: 0, incarnation: 5 }))
    .answer();
  assert.equal(bot.record?.run?.state, 'finished');
  assert.deepEqual(bot.asked, ['remove c1']);
});

test('a run that ended while the runtime was down is recorded with its code', () => {
  const bot = claimedBefore(1_000, 'started');
  const container = bot.container({ occurrence: NEXT - 60, incarnation: 5, phase: 'exited' });
  bot.found(container, bot.exit({ code: 7, incarnation: 5 })).answer();
  assert.equal(bot.record?.run?.exitCode, 7);
  assert.deepEqual(bot.asked, ['remove c1']);
});

test('a run that ended with the runtime is recorded as ended, and is not begun once more, recorded as started or not', () => {
  for (const state of ['claimed', 'started'] as const) {
    const bot = claimedBefore(1_000, state);
    const container = bot.container({ occurrence: NEXT - 60, incarnation: 5, phase: 'exited' });
    bot.found(container).answer();
    assert.deepEqual([bot.record?.run?.state, bot.record?.run?.exitCode], ['finished', null]);
    assert.equal(bot.is, 'idle/run-end-unseen');
    assert.deepEqual(bot.asked, ['remove c1']);
    bot.done(null).answer();
    assert.deepEqual(bot.asked, []);
  }
});

test('what was created for a run and begins to run while it is being removed is this run', () => {
  const bot = claimedBefore(1_000);
  const container = bot.container({ occurrence: NEXT - 60, incarnation: 5 });
  bot.found({ ...container, phase: 'created', endpoint: null });
  assert.deepEqual(bot.asked, ['remove c1']);
  bot.done(container).pass(5_000).timer('retry').answer();
  assert.equal(bot.is, 'running/run-adopted');
  assert.equal(bot.record?.run?.state, 'started');
  bot.crash({ code: 3, incarnation: 5 }).answer();
  assert.deepEqual([bot.is, bot.record?.run?.exitCode], ['idle/run-failed', 3]);
});

test('without the ledger nothing starts, and what runs goes on', () => {
  const bot = Scheduled.idle().at(NEXT);
  bot.timer('due').refuse();
  assert.equal(bot.is, 'backing-off/ledger-unavailable');
  assert.deepEqual(bot.asked, []);
  bot.pass(5_000).timer('retry').answer();
  assert.deepEqual(bot.asked, ['start']);

  const running = Scheduled.begun();
  running.pass(1_000).crash({ code: 0 }).refuse();
  assert.deepEqual(running.asked, [], 'its container is the only witness');
  running.pass(5_000).timer('retry').answer();
  assert.equal(running.record?.run?.state, 'finished');
  assert.deepEqual(running.asked, ['remove c1']);
});

test('a claim whose answer is lost is looked up, and carried on with', () => {
  const bot = Scheduled.idle().at(NEXT);
  bot.timer('due');
  bot.record = carryOut(bot.record, bot.request() ?? { op: 'read' }, bot.now);
  bot.refuse().pass(5_000).timer('retry').answer();
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.of('start')[0]?.occurrence, NEXT);
});

test('a start that the engine refuses is tried again within the window, and then missed', () => {
  const bot = Scheduled.idle().at(NEXT);
  bot.timer('due').answer();
  bot.failed('rejected', { detail: 'no space left' });
  assert.equal(bot.is, 'backing-off/engine-rejected');
  bot.timer('retry').done(null);
  assert.deepEqual(bot.asked, ['start']);
  bot.failed('rejected', { detail: 'no space left' }).pass(61_000).timer('retry').done(null).answer();
  assert.equal(bot.record?.run?.occurrence, NEXT + 60, 'the next one was due by then');
  assert.ok(bot.transitions.includes('backing-off → idle: run-missed'));
});

test('disabling or deleting a bot ends no run, and no other follows', () => {
  const bot = Scheduled.begun().pass(1_000);
  bot.desired({ ...SCHEDULED, enabled: false });
  assert.equal(bot.is, 'running/run-goes-on');
  assert.deepEqual(bot.asked, []);
  bot.crash({ code: 0 });
  bot.answer().done(null);
  assert.equal(bot.is, 'stopped/disabled');
  assert.equal(bot.record?.run?.state, 'finished');

  const deleted = Scheduled.begun().pass(1_000).removed();
  assert.deepEqual(deleted.asked, []);
  deleted.crash({ code: 0 }).answer().done(null);
  assert.equal(deleted.of('ended').length, 1);
});

test('when the runtime stops all bots, a run is ended as well', () => {
  const bot = Scheduled.begun().pass(1_000).removed('shutdown');
  assert.deepEqual(bot.asked, ['stop c1']);
  bot
    .done(bot.run('exited'), bot.exit({ code: 143 }))
    .answer()
    .done(null);
  assert.equal(bot.of('ended').length, 1);
  assert.equal(bot.record?.run?.state, 'finished');
});

test('a change applies to the next run', () => {
  const bot = Scheduled.begun()
    .pass(1_000)
    .desired({ ...SCHEDULED, specRevision: 'r2', schedule: '0 * * * *' });
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.is, 'running/run-started');
  bot.crash({ code: 0 }).answer().done(null).answer();
  assert.equal(bot.record?.schedule, '0 * * * *');
  assert.equal((bot.record?.next ?? 0) % 3_600, 0);
});

test('a claim that waits is given up when the bot is disabled, and undone if it was granted', () => {
  const bot = Scheduled.idle().at(NEXT);
  bot.timer('due');
  bot.record = carryOut(bot.record, bot.request() ?? { op: 'read' }, bot.now);
  bot.desired({ ...SCHEDULED, enabled: false }).answer();
  assert.equal(bot.is, 'stopped/disabled');
  assert.equal(bot.record?.run?.state, 'missed');
});

test('restart runs it once now, besides its schedule', () => {
  const bot = Scheduled.idle().pass(1_500);
  bot.command('restart').answer();
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.is, 'starting/run-asked-for');
  assert.equal(bot.record?.next, NEXT);
});

test('restart during a run adds one after it', () => {
  const bot = Scheduled.begun().pass(1_000).command('restart');
  assert.deepEqual(bot.asked, []);
  bot.crash({ code: 0 }).answer().done(null).answer();
  assert.deepEqual(bot.asked, ['start']);
  assert.equal(bot.is, 'starting/run-asked-for');
});

test('impossible dates never run, unreadable ones block, each with a reason', () => {
  const never = Scheduled.idle({ schedule: '0 0 30 2 *' });
  assert.equal(never.is, 'idle/schedule-never');
  assert.deepEqual(never.timers, []);
  assert.equal(never.state.schedule?.dueAt, 0);
  assert.equal(Scheduled.idle({ schedule: '0 0 * * 7' }).is, 'blocked/schedule-invalid');
  assert.equal(Scheduled.idle({ schedule: null }).is, 'blocked/schedule-missing');
});

test('the year 1, which the Go runtime stores for impossible dates, is not taken for due', () => {
  const bot = new Scheduled();
  bot.record = { schedule: null, next: -62_135_596_800, run: null };
  bot.desired({ ...SCHEDULED, schedule: '0 0 30 2 *' });
  bot.observed(null).answer();
  assert.equal(bot.is, 'idle/schedule-never');
});

test('a timer that fires early, or a clock that is set back, runs nothing', () => {
  const bot = Scheduled.idle().pass(10_000);
  bot.timer('due');
  assert.deepEqual([bot.asked, bot.request()], [[], null]);
  const after = Scheduled.begun().pass(1_000);
  after
    .crash({ code: 0 })
    .answer()
    .done(null)
    .at(NEXT - 3_600);
  after.timer('due');
  assert.deepEqual([after.asked, after.request()], [[], null]);
});

test('a realtime bot that becomes a scheduled one is stopped first, and the other way round', () => {
  const bot = new Scheduled().desired().observed(null);
  bot.pass(100).done(bot.container());
  bot.desired({ ...SCHEDULED, specRevision: 'r2' });
  assert.deepEqual(bot.asked, ['stop c1']);
  bot
    .done(bot.container({ phase: 'exited' }), bot.exit())
    .done(null)
    .answer();
  assert.equal(bot.is, 'idle/next-run');

  const back = Scheduled.begun().pass(1_000).desired({ specRevision: 'r2' });
  assert.deepEqual(back.asked, ['stop c1']);
  back.done(back.run('exited'), back.exit()).done(null);
  assert.deepEqual(back.asked, ['start']);
  assert.equal(back.of('start')[0]?.occurrence, undefined);
});

test('what an actor concluded is forgotten when it fails, and found again', () => {
  const bot = Scheduled.begun().pass(1_000).fail(false).done(null);
  assert.equal(bot.request()?.op, 'read');
  bot.answer();
  assert.equal(bot.is, 'idle/run-vanished');
});

test('10,000 hours bring 10,000 hourly runs, each at its hour, however late timers and runs are', () => {
  const random = new Random(1);
  const bot = Scheduled.idle({ schedule: '0 * * * *' });
  const occurrences: number[] = [];
  while (occurrences.length < 10_000) {
    bot.now = (bot.state.schedule?.dueAt ?? 0) + random.between(0, 4_000);
    bot.timer('due').answer();
    if (bot.of('start').length === 0) continue; // It only looked at the clock.
    occurrences.push(bot.of('start')[0]?.occurrence ?? 0);
    bot.pass(random.between(1, 900)).done(bot.run());
    bot.answer();
    bot.pass(random.between(1, 3_000_000)).crash({ code: 0 });
    bot.answer().pass(5).done(null);
  }
  const [first = 0] = occurrences;
  assert.equal(first % 3_600, 0);
  assert.deepEqual(
    occurrences,
    occurrences.map((_, index) => first + index * 3_600),
  );
});

test('jitter puts each bot at a time of its own after the occurrence, always the same', () => {
  const actors = createBehavior({ ...SETTINGS, schedule: { ...SETTINGS.schedule, jitterMs: 30_000 } });
  const dues = ['a', 'b', 'c', 'd'].map((id) => {
    let { state } = actors.receive(actors.initial(id), { kind: 'desired', spec: { ...SPEC, ...SCHEDULED, id } }, T0);
    const observation = { botId: id, container: null, lastExit: null, at: T0 };
    const asked = actors.receive(state, { kind: 'observed', observation }, T0);
    const ask = asked.state.schedule?.asking?.ask ?? 0;
    const record = { schedule: '* * * * *', next: NEXT, run: null };
    ({ state } = actors.receive(asked.state, { kind: 'ledger-done', ask, record }, T0));
    return (state.schedule?.dueAt ?? 0) - NEXT * 1000;
  });
  assert.ok(dues.every((ms) => ms >= 0 && ms < 30_000));
  assert.equal(new Set(dues).size, 4);
});

test('a run that lasts too long is ended, and told so', () => {
  const actors = createBehavior({ ...SETTINGS, schedule: { ...SETTINGS.schedule, longestRunMs: 5_000 } });
  const bot = Scheduled.begun();
  const asked = actors.receive(bot.state, { kind: 'timer', name: 'due', incarnation: 0 }, bot.now + 5_001);
  assert.deepEqual(asked.effects.filter(({ kind }) => kind === 'stop').length, 1);
  assert.equal(asked.state.history.at(-1)?.code, 'run-too-long');
});

test('a run that another runtime has claimed and that is seen here is watched, and the ledger is not asked again and again', () => {
  const claimed = { occurrence: NEXT, state: 'claimed', incarnation: T0, claimedAt: NEXT * 1000 } as const;
  const bot = Scheduled.idle().at(NEXT);
  bot.record = { schedule: '* * * * *', next: NEXT + 60, run: { ...claimed, mine: false, exitCode: null } };
  bot.command('reset');
  for (let ask = 0; bot.request() !== null && ask < 9; ask += 1) answerAsBefore(bot);
  bot.observed(bot.container({ occurrence: NEXT })).done(bot.container({ occurrence: NEXT }));
  const asked: LedgerRequest[] = [];
  for (let request = bot.request(); request !== null && asked.length < 9; request = bot.request()) {
    asked.push(request);
    answerAsBefore(bot);
  }
  assert.deepEqual(
    asked.filter(({ op }) => op === 'started'),
    [],
  );
  assert.ok(asked.length < 9, 'it is asked for ever');
  assert.equal(bot.is, 'running/run-adopted');
});

test('a plan that the ledger does not take, such as for a bot that was removed there, is tried again after a pause', () => {
  const bot = Scheduled.idle({ schedule: '*/5 * * * *' });
  bot.record = null;
  bot.command('reset');
  const asked: LedgerRequest['op'][] = [];
  for (let request = bot.request(); request !== null && asked.length < 9; request = bot.request()) {
    asked.push(request.op);
    answerAsBefore(bot);
  }
  assert.deepEqual(asked, ['read', 'plan']);
  assert.equal(bot.status.retryAt, bot.now + SETTINGS.dependencyRetryMs);
  bot.pass(SETTINGS.dependencyRetryMs).timer('retry');
  bot.answer();
  assert.equal(bot.is, 'idle/next-run');
});

test('the renewal of its keys does not run a scheduled bot besides its schedule, and does not end its run', () => {
  const bot = Scheduled.begun().command('renew-keys');
  assert.deepEqual(bot.asked, []);
  assert.equal(bot.request(), null);
  bot.pass(2_000).crash({ code: 0 }).answer().done(null);
  assert.equal(bot.is, 'idle/run-finished');
  assert.equal(bot.request(), null);
});

/** The ledger does nothing of what it is asked for. */
function answerAsBefore(bot: Scheduled): void {
  const ask = bot.of('ledger').at(-1)?.ask ?? 0;
  bot.tell({ kind: 'ledger-done', ask, record: bot.record });
}

test('while another engine keeps the bot, a run that goes on here is ended and recorded, and none is claimed', () => {
  const bot = Scheduled.idle().at(NEXT).timer('due').answer();
  bot.done(bot.run()).answer();
  assert.equal(bot.status.state, 'running');
  bot.desired({ ...SCHEDULED, keptElsewhere: 'bot-scheduler on host-b keeps these bots, on another engine.' });
  assert.deepEqual(bot.asked, ['stop c1']);
  bot.done(bot.run('exited'), bot.exit({ code: 143 })).answer();
  assert.deepEqual(bot.asked, ['remove c1']);
  assert.equal(bot.record?.run?.state, 'finished');
  bot.done(null).answer();
  assert.equal(bot.is, 'stopped/kept-elsewhere');
  bot
    .at(NEXT + 600)
    .timer('due')
    .answer();
  assert.equal(bot.record?.run?.occurrence, NEXT);
});
