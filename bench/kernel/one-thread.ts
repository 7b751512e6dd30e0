import { systemClock } from '../../src/kernel/clock.ts';
import { createLocalShard } from '../../src/kernel/local-shard.ts';
import { type Counter, createBehavior, receive, type Tick } from './counter-behavior.ts';
import { ACTORS, IDS, LIMITS } from './limits.ts';

export interface Load {
  /** Messages each actor gets before it reads. */
  readonly burst: number;
  readonly fills: number;
}

/** Messages per second through posts, mailboxes and dispatch of a local shard. */
export async function mailboxesPerSecond(load: Load): Promise<number> {
  let onDone = (): void => {};
  const shard = createLocalShard({
    id: 'bench',
    behavior: createBehavior(),
    listener: {
      effects: () => onDone(),
      undelivered: (batch) => {
        throw new Error(`${batch.length} messages undelivered: ${batch[0]?.cause}`);
      },
      dead: () => {},
    },
    clock: systemClock,
    limits: LIMITS,
  });
  const start = performance.now();
  for (let fill = 0; fill < load.fills; fill += 1) {
    const done = new Promise<void>((resolve) => {
      onDone = resolve;
    });
    for (let i = 0; i < load.burst; i += 1) {
      for (let a = 0; a < ACTORS; a += 1) {
        // The dispatcher is fair, so the last message to the last actor is handled last.
        const answer = i === load.burst - 1 && a === ACTORS - 1 ? 1 : 0;
        const message: Tick = { kind: 'tick', amount: i, answer };
        shard.post({ to: IDS[a] ?? '', lane: 'user', message, spawn: true });
      }
    }
    await done;
  }
  const seconds = (performance.now() - start) / 1_000;
  check((await shard.snapshot(null)).length, ACTORS);
  await shard.stop();
  return (load.burst * load.fills * ACTORS) / seconds;
}

/** The floor: the same messages through plain arrays with `push` and `shift`, and the same `receive`. */
export function arraysPerSecond(load: Load): number {
  const queues: Tick[][] = Array.from({ length: ACTORS }, () => []);
  const states: Counter[] = Array.from({ length: ACTORS }, () => ({ total: 0, count: 0 }));
  let answers = 0;
  const start = performance.now();
  for (let fill = 0; fill < load.fills; fill += 1) {
    for (let i = 0; i < load.burst; i += 1) {
      for (let a = 0; a < ACTORS; a += 1) {
        const answer = i === load.burst - 1 && a === ACTORS - 1 ? 1 : 0;
        queues[a]?.push({ kind: 'tick', amount: i, answer });
      }
    }
    for (let a = 0; a < ACTORS; a += 1) {
      const queue = queues[a] ?? [];
      let state = states[a] ?? { total: 0, count: 0 };
      for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
        const step = receive(state, message);
        answers += step.effects.length;
        state = step.state;
      }
      states[a] = state;
    }
  }
  const seconds = (performance.now() - start) / 1_000;
  check(answers, load.fills);
  return (load.burst * load.fills * ACTORS) / seconds;
}

function check(actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`The benchmark lost messages: ${actual} instead of ${expected}`);
}
