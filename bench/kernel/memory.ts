import { createLocalShard } from '../../src/kernel/local-shard.ts';
import { createVirtualClock } from '../../src/kernel/virtual-clock.ts';
import { LIMITS } from './limits.ts';

const ACTORS = 100_000;

type Message = { readonly kind: 'work' };
type Effect = { readonly kind: 'timer'; readonly key: string; readonly at: number; readonly message: Message };

const WORK: Message = { kind: 'work' };

/**
 * Bytes of heap per actor at rest that the kernel adds: each has an id, had a few messages, has one timer, and a state that is shared by all.
 * Needs `--expose-gc`; null without.
 */
export function kernelBytesPerActor(): number | null {
  const collect = globalThis.gc;
  if (collect === undefined) return null;
  const clock = createVirtualClock({ startMs: 0 });
  const shard = createLocalShard<null, Message, Effect>({
    id: 'memory',
    behavior: {
      initial: () => null,
      receive: (state, message, now) => ({
        state,
        effects: [{ kind: 'timer', key: 'deadline', at: now + 60_000, message }],
      }),
      coalesce: (_older, newer) => newer,
      recover: (state) => ({ state, effects: [] }),
      snapshot: (state) => state,
    },
    listener: { effects: () => {}, undelivered: () => {}, dead: () => {} },
    clock,
    limits: LIMITS,
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < ACTORS; i += 1) {
    const to = `5f0c2a9e-bot-${String(i).padStart(8, '0')}`;
    for (const lane of ['user', 'system', 'observation', 'user'] as const) {
      shard.post({ to, lane, message: WORK, spawn: true });
    }
    if (i % 1_000 === 0) clock.runDue();
  }
  clock.runDue();
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / ACTORS;
  shard.kill();
  return bytes;
}
