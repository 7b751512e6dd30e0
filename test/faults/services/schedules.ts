import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import { BadSchedules } from './bad-schedules.ts';
import { LedgerWatch } from './ledger-watch.ts';
import type { Round } from './round.ts';
import type { ServiceName } from './services-stage.ts';

const SETTLES_MS = 120_000;

/** From when to when nobody ran, in milliseconds since the epoch. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * The scheduler is killed again and again while bots are due every second or two; now and then a service is in trouble in
 * the meantime, so that it is so in the middle of a claim, of a start or of the record of an end.
 */
export async function scheduled(round: Round, service: ServiceName | null): Promise<void> {
  const { random, size } = round;
  const gaps: Gap[] = [];
  round.start();
  await round.createAll();
  await round.role.isUp();
  const ledger = new LedgerWatch(round);
  try {
    await runsOf(round, 1);
    while (round.kills < size.kills) {
      if (service !== null) {
        await round.trouble(service);
        await delay(random.between(0, 5_000));
        if (random.chance(0.6)) await round.mend();
      }
      if (random.chance(0.7)) await round.role.isUp();
      await delay(random.between(0, 2_000));
      // It may have ended before, by itself; nobody runs from then at the latest.
      await round.kill();
      const from = Date.now();
      if (random.chance(0.5)) await delay(random.between(500, 4_000));
      gaps.push({ from, to: Date.now() });
      round.start(random.chance(0.15) ? 'new' : 'same');
      await delay(random.between(0, 1_000));
      await round.mend();
      if (random.chance(0.6)) await runsOf(round, 1);
    }
    // In peace it goes on, each time once.
    await runsOf(round, 2);
  } finally {
    await ledger.end();
  }
  round.note(`${ledger.claims} claims were seen`);
  await round.stage.history.settled();
  checkOccurrences(round, gaps);
  ledger.check();
  round.checkOutputs();
  await removed(round);
  checkOccurrences(round, gaps);
}

/** Those of which something can be made go on as if there were none of the others. */
export async function badlyScheduled(round: Round): Promise<void> {
  const { random, size } = round;
  const bad = new BadSchedules(round);
  round.start();
  await round.createAll();
  await runsOf(round, 1);
  while (round.kills < size.kills) {
    await bad.spread();
    if (random.chance(0.7)) await round.role.isUp();
    await delay(random.between(0, 1_000));
    await round.kill();
    await bad.spread();
    round.start(random.chance(0.15) ? 'new' : 'same');
  }
  await bad.rest();
  await runsOf(round, 2);
  await bad.areShown();
  await round.checkDocuments();
  await round.stage.history.settled();
  checkOccurrences(round, []);
  round.checkOutputs();
  await bad.remove();
  await removed(round);
}

async function removed(round: Round): Promise<void> {
  for (const bot of round.bots) await bot.change(round.stage, 'deleted');
  await round.settles();
}

/** Waits until each bot has finished so many runs more. */
async function runsOf(round: Round, more: number): Promise<void> {
  const { bots, stage } = round;
  const schedules = botsOf(stage.client, 'scheduled');
  const finished = async (id: string): Promise<number> => {
    const run = (await schedules.findOne({ id }))?.['the0_schedule']?.run;
    return run?.state === 'finished' ? Number(run.occurrence) : 0;
  };
  const waiting = new Map<string, { last: number; left: number }>();
  for (const { id } of bots) waiting.set(id, { last: await finished(id), left: more });
  await poll(
    `${more} runs of each bot`,
    async () => {
      await round.standsUp();
      for (const [id, { last, left }] of waiting) {
        const now = await finished(id);
        if (now > last) waiting.set(id, { last: now, left: left - 1 });
      }
      return [...waiting.values()].every(({ left }) => left <= 0) || undefined;
    },
    SETTLES_MS,
    50,
  ).catch((error: unknown) => {
    const late = [...waiting].filter(([, { left }]) => left > 0).map(([id]) => id);
    throw new Error(`${String(error)}: not ${late.join(', ')}`);
  });
}

/** At most once after its start, in order, none beside another, and of those missed while nobody ran only one. */
function checkOccurrences({ bots, stage, storeWasAway }: Round, gaps: readonly Gap[]): void {
  assert.deepEqual(stage.history.violations, []);
  for (const { id } of bots) {
    let last = 0;
    for (const { occurrence, exitCode, wasEnded } of stage.history.of(id)) {
      assert.ok(occurrence !== null, `${id} ran without an occurrence`);
      assert.ok(occurrence > last, `${id} ran ${occurrence} after ${last}`);
      const isWell = wasEnded || exitCode === null || exitCode === 0 || storeWasAway;
      assert.ok(isWell, `${id} ended with ${exitCode}`);
      last = occurrence;
    }
    for (const { from, to } of gaps) {
      const missed = stage.history.of(id).filter(({ occurrence }) => {
        const due = (occurrence ?? 0) * 1_000;
        return due > from && due < to;
      });
      assert.ok(missed.length <= 1, `${id} ran ${missed.length} occurrences that nobody had seen come`);
    }
  }
}
