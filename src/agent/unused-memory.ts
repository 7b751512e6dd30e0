import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentLimits } from './agent-limits.ts';

/** With `--bytecode-old-age=1`, code that ran in none of them is dropped; Buffers are freed between them. */
const ROUNDS = 3;
const BETWEEN_ROUNDS_MS = 100;

/**
 * Gives back what the agent needed once and needs no more: code of its start, garbage of the last uploads. By itself V8
 * hardly ever looks, because a process that allocates little never comes near a limit; left alone, an agent keeps about
 * 2 MB that way, times thousands of bots. A round takes about 10 ms, and there are none while nothing grows.
 *
 * Only where Node was started with `--expose-gc` (images/runtime/launcher.sh); otherwise it does nothing.
 * @returns ends it
 */
export function giveBackUnusedMemory(limits: Pick<AgentLimits, 'memoryCheckMs' | 'memoryGrowthBytes'>): () => void {
  const collect = globalThis.gc;
  if (collect === undefined) return () => {};
  let restingBytes = 0;
  let ended = false;
  let collecting = false;
  const check = async () => {
    if (collecting || process.memoryUsage.rss() - restingBytes < limits.memoryGrowthBytes) return;
    collecting = true;
    for (let round = 0; round < ROUNDS && !ended; round += 1) {
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      await sleep(BETWEEN_ROUNDS_MS, undefined, { ref: false });
    }
    restingBytes = process.memoryUsage.rss();
    collecting = false;
  };
  const timer = setInterval(() => void check(), limits.memoryCheckMs).unref();
  return () => {
    ended = true;
    clearInterval(timer);
  };
}
