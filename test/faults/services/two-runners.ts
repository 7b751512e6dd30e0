import { setTimeout as delay } from 'node:timers/promises';
import type { Round } from './round.ts';

/** A second one stands by; the first is killed, or stands still for longer than its lease lasts, and wakes up again. */
export async function handedOver(round: Round): Promise<void> {
  const { random, size } = round;
  let first = round.start();
  await round.createAll();
  await round.settles();
  while (round.kills < size.kills) {
    const second = round.start('new');
    round.excuse(first);
    await second.isUp();
    await round.publishSome(4);
    const isFrozen = random.chance(0.5);
    if (isFrozen) first.freeze();
    else await round.kill(first);
    await round.publishSome(4);
    await round.settles();
    if (isFrozen) {
      first.thaw();
      await round.publishSome(4);
      await delay(random.between(0, 2_000));
      await round.settles();
      await round.kill(first);
    }
    first = second;
  }
  await round.publishSome(6);
  await round.check();
  await round.leavesAllInPeace();
  await round.removeAll();
}
