import { setTimeout as delay } from 'node:timers/promises';
import { queryObjects } from 'node:v8';

/** How many abort signals there are in this process that the garbage collector cannot take. */
export async function signalsKept(): Promise<number> {
  let kept = Number.POSITIVE_INFINITY;
  // What ends with a timer, or holds on weakly, goes some turns later.
  for (let unchanged = 0; unchanged < 3; ) {
    await delay(20);
    const now = queryObjects(AbortSignal, { format: 'count' });
    unchanged = now < kept ? 0 : unchanged + 1;
    kept = Math.min(kept, now);
  }
  return kept;
}
