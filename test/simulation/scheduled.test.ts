import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BotSpec } from '../../actors/bot-spec.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { FakeLedger } from './fake-ledger.ts';
import { Random } from './random.ts';
import { RunLog } from './run-log.ts';
import { ScheduledRuntime, SettableClock } from './scheduled-world.ts';

const START = 1_700_000_000_000;
const SEEDS = Number(process.env['SCHEDULE_SEEDS'] ?? 12);

interface Outcome {
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly runs: number;
}

/** Two runtimes on one ledger, each with an engine of its own: first everything fails and is killed, then all is calm. */
async function simulateSchedules(seed: number, runtimes: 1 | 2, tracing = false): Promise<Outcome> {
  const random = new Random(seed);
  const base = createVirtualClock({ startMs: START, random: random.next, callbacksPerInstant: 100_000 });
  const clock = new SettableClock(base);
  const log = new RunLog(clock, tracing);
  const ledger = new FakeLedger(clock, random);
  const desired = new Map<string, BotSpec>();
  for (let index = 0; index < 4; index += 1) desired.set(`bot-${index}`, specOf(`bot-${index}`, random));
  const all = Array.from(
    { length: runtimes },
    (_, index) => new ScheduledRuntime({ name: `r${index}`, clock, random, ledger, log, desired }),
  );
  for (const { engine } of all) engine.runMs = () => random.pick([1, 50, 1_000, 15_000, 90_000]);

  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      base.advance(Math.min(50, left));
      await new Promise((resolve) => setImmediate(resolve));
      checkOverlap();
    }
  };
  const checkOverlap = () => {
    for (const botId of desired.keys()) {
      const running = all.filter(({ engine }) => engine.observe(botId).container?.phase === 'running');
      if (running.length > 1) log.violated(`${botId} runs twice`);
    }
  };

  const some = () => random.pick([0, 0, 0.05, 0.2]);
  Object.assign(ledger.faults, { refuse: some(), loseAnswer: some(), late: some() / 2 });
  for (const runtime of all) {
    Object.assign(runtime.executorFaults, { loseAnswer: some() / 2, falseUnreachable: some() / 2, late: some() / 2 });
    Object.assign(runtime.engine.faults, { reject: some(), crash: some() });
    Object.assign(runtime.events.faults, { lose: some(), repeat: some(), delay: some() });
  }
  const end = base.now() + 180_000;
  while (base.now() < end && log.violations.length === 0) {
    await advance(random.pick([50, 200, 1_000, 5_000]));
    const runtime = all[random.between(0, all.length - 1)] ?? all[0];
    const botId = `bot-${random.between(0, 3)}`;
    const roll = random.between(1, 100);
    if (roll <= 8) runtime?.killShard();
    else if (roll <= 16) runtime?.restart();
    // That clocks differ by more than the settings allow for is what a lease is for.
    else if (roll <= 20 && runtimes === 1) clock.set(random.between(-600_000, 600_000));
    else if (roll <= 26) runtime?.command(botId, random.chance(0.5) ? 'restart' : 'reset');
    else if (roll <= 34) runtime?.engine.handStop(botId);
    else if (roll <= 40) runtime?.list();
    else if (roll <= 46) {
      const spec = specOf(botId, random);
      desired.set(botId, spec);
      for (const each of all) each.tellDesired(spec);
    }
  }

  log.note('--- calm ---');
  // Nothing runs again that has run, so a clock that was set back would mean a long silence.
  clock.set(runtimes === 1 ? 1_200_000 : 0);
  Object.assign(ledger.faults, { refuse: 0, loseAnswer: 0, late: 0 });
  for (const runtime of all) {
    Object.assign(runtime.executorFaults, { loseAnswer: 0, falseUnreachable: 0, late: 0 });
    Object.assign(runtime.engine.faults, { reject: 0, crash: 0 });
    Object.assign(runtime.events.faults, { lose: 0, repeat: 0, delay: 0 });
    runtime.engine.runMs = () => 500;
  }
  for (const [botId, { specRevision }] of desired) {
    const spec: BotSpec = { ...specOf(botId, random), enabled: true, schedule: '* * * * *', specRevision };
    desired.set(botId, spec);
    for (const runtime of all) runtime.tellDesired(spec);
  }
  if (log.violations.length === 0) {
    await advance(100_000);
    for (const runtime of all) runtime.list();
    for (const botId of desired.keys()) all[0]?.command(botId, 'reset');
    await advance(60_000);
    const before = all.flatMap(({ engine }) => engine.runs).length;
    await advance(5 * 60_000);
    const runs = all.flatMap(({ engine }) => engine.runs).length - before;
    if (Math.abs(runs - 20) > 4) log.violated(`${runs} runs of 4 bots in 5 minutes`);
    for (const runtime of all) {
      for (const [botId, { state, reason }] of runtime.statuses(() => base.advance(0))) {
        if (state !== 'idle' && state !== 'running' && state !== 'starting')
          log.violated(`${botId} is ${state} (${reason.code})`);
      }
    }
  }

  const runs = all.flatMap(({ engine }) => engine.runs);
  const seen = new Set<string>();
  for (const run of runs) {
    if (seen.has(run)) log.violated(`${run} ran twice`);
    seen.add(run);
  }
  const claimed = new Set(ledger.claims);
  if (claimed.size !== ledger.claims.length) log.violated('an occurrence was given out twice');
  for (const run of seen) if (!claimed.has(run)) log.violated(`${run} ran without a claim`);
  return { violations: log.violations, trace: log.trace, runs: runs.length };
}

let revisions = 0;

function specOf(id: string, random: Random): BotSpec {
  revisions += 1;
  return {
    id,
    kind: 'scheduled',
    enabled: !random.chance(0.1),
    runtime: 'python3.11',
    entrypoint: 'main.py',
    queryEntrypoint: 'query.py',
    schedule: random.pick(['* * * * *', '*/10 * * * * *', '@every 7s', '@every 45s', '30 * * * * *']),
    specRevision: `r${revisions}`,
    shapeRevision: 's1',
    problem: null,
  };
}

for (const runtimes of [1, 2] as const) {
  test(`whatever happens, no occurrence runs twice and no two runs overlap, with ${runtimes} on one ledger`, async () => {
    let runs = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const outcome = await simulateSchedules(seed, runtimes, process.env['TRACE'] === String(seed));
      if (process.env['TRACE'] === String(seed)) console.log(outcome.trace.join('\n'));
      assert.deepEqual(outcome.violations, [], `seed ${seed}, ${runtimes} runtimes`);
      runs += outcome.runs;
    }
    assert.ok(runs > SEEDS * 20, `${runs} runs are too few to say anything`);
  });
}
