import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, Worker } from 'node:worker_threads';
import { createThreadShard } from '../../src/kernel/thread-shard.ts';
import type { Done, Tick } from './counter-behavior.ts';
import { ACTORS, IDS, LIMITS } from './limits.ts';

export interface Traffic {
  readonly messages: number;
  /** Whether every message is answered by one object, or only the last of each actor. */
  readonly answered: boolean;
}

/** One of the two ways between threads; it lives for all rounds, as threads do. */
export interface Lane {
  /** @returns messages per second, from this thread to the other and (for what is answered) back */
  run(traffic: Traffic): Promise<number>;
  end(): Promise<unknown>;
}

/** To the actors of a shard on another thread. */
export async function shardLane(): Promise<Lane> {
  const answers = new Countdown();
  const shard = await createThreadShard<Tick, Done>({
    id: 'bench',
    behaviorModule: new URL('./counter-behavior.ts', import.meta.url),
    settings: null,
    limits: LIMITS,
    listener: {
      effects: (batch) => answers.count(batch.length),
      undelivered: (batch) => {
        throw new Error(`${batch.length} messages undelivered: ${batch[0]?.cause}`);
      },
      dead: (error) => {
        throw error;
      },
    },
  });
  return {
    async run({ messages, answered }) {
      const all = answers.from(answered ? messages : ACTORS);
      const start = performance.now();
      for (let i = 0; i < messages; i += 1) {
        const answer = answered || i >= messages - ACTORS ? 1 : 0;
        const message: Tick = { kind: 'tick', amount: i, answer };
        const envelope = { to: IDS[i % ACTORS] ?? '', lane: 'user', message, spawn: true } as const;
        while (shard.post(envelope) === 'full') await sleep(1);
      }
      await all;
      return messages / ((performance.now() - start) / 1_000);
    },
    end: () => shard.stop(),
  };
}

/** The floor: the same objects over a bare port in arrays of `batchSize`. */
export async function portLane(batchSize: number): Promise<Lane> {
  const { port1, port2 } = new MessageChannel();
  const answers = new Countdown();
  const worker = new Worker(new URL('./bare-port-worker.ts', import.meta.url), {
    workerData: port2,
    transferList: [port2],
  });
  await once(worker, 'message');
  port1.on('message', (batch: readonly Done[]) => answers.count(batch.length));
  return {
    async run({ messages, answered }) {
      const all = answers.from(answered ? messages : ACTORS);
      const start = performance.now();
      let batch: Tick[] = [];
      for (let i = 0; i < messages; i += 1) {
        batch.push({ kind: 'tick', amount: i, answer: answered || i >= messages - ACTORS ? 1 : 0 });
        if (batch.length === batchSize || i === messages - 1) {
          port1.postMessage(batch);
          batch = [];
        }
        // Lets answers come in between. Without it the port would have to hold everything, which is slower.
        if ((i + 1) % LIMITS.unhandledEnvelopes === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await all;
      return messages / ((performance.now() - start) / 1_000);
    },
    end() {
      port1.close();
      return worker.terminate();
    },
  };
}

/** Resolves when as many answers have come as were expected. */
class Countdown {
  #left = 0;
  #done = (): void => {};

  from(expected: number): Promise<void> {
    this.#left = expected;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  count(answers: number): void {
    this.#left -= answers;
    if (this.#left === 0) this.#done();
  }
}
