import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import { BadSchedules } from './bad-schedules.ts';
import type { Round } from './round.ts';

const SETTLES_MS = 120_000;

/** From when to when nobody ran, in milliseconds since the epoch. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/** The scheduler is killed again and again while bots are due every second or two. */
export async function scheduled(round: Round): Promise<void> {
  const { random, size } = round;
  const gaps: Gap[] = [];
  const bad = new BadSchedules(round);
  round.start();
  await round.createAll();
  await round.role.isUp();
  await runsOf(round, 1);
  await bad.spread();
  while (round.kills < size.kills) {
    if (random.chance(0.7)) await round.role.isUp();
    await delay(random.between(0, 2_000));
    await round.kill();
    const from = Date.now();
    if (random.chance(0.5)) await delay(random.between(500, 4_000));
    gaps.push({ from, to: Date.now() });
    round.start(random.chance(0.15) ? 'new' : 'same');
  }
  // In peace it goes on, each time once.
  await runsOf(round, 2);
  await round.stage.history.settled();
  checkOccurrences(round, gaps);
  round.checkOutputs();
  await bad.areShown();
  await bad.remove();
  for (const bot of round.bots) await bot.change(round.stage, 'deleted');
  await round.settles();
  checkOccurrences(round, gaps);
}

/** Waits until each bot has finished so many runs more. */
async function runsOf({ bots, stage }: Round, more: number): Promise<void> {
  const schedules = botsOf(stage.client, 'scheduled');
  const finished = async (id: string): Promise<number> => {
    const run = (await schedules.findOne({ id }))?.['the0_schedule']?.run;
    return run?.state === 'finished' ? Number(run.occurrence) : 0;
  };
  for (const { id } of bots) {
    let last = await finished(id);
    let left = more;
    await poll(
      `${more} runs of ${id}`,
      async () => {
        const now = await finished(id);
        if (now > last) left -= 1;
        last = Math.max(last, now);
        return left <= 0 || undefined;
      },
      SETTLES_MS,
      50,
    );
  }
}

/** At most once after its start, in order, none beside another, and of those missed while nobody ran only one. */
function checkOccurrences({ bots, stage }: Round, gaps: readonly Gap[]): void {
  assert.deepEqual(stage.history.violations, []);
  for (const { id } of bots) {
    let last = 0;
    for (const { occurrence, exitCode, wasEnded } of stage.history.of(id)) {
      assert.ok(occurrence !== null, `${id} ran without an occurrence`);
      assert.ok(occurrence > last, `${id} ran ${occurrence} after ${last}`);
      assert.ok(wasEnded || exitCode === null || exitCode === 0, `${id} ended with ${exitCode}`);
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
