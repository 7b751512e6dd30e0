import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { createThreadShard } from '../../src/kernel/thread-shard.ts';
import type { Done, Tick } from './counter-behavior.ts';
import { ACTORS, IDS, LIMITS } from './limits.ts';

export interface Traffic {
  readonly messages: number;
  /** Whether every message is answered by one object, or only the last of each actor. */
  readonly answered: boolean;
}

/** Messages per second from this thread to the actors of a shard on another, and their answers back. */
export async function shardPerSecond({ messages, answered }: Traffic): Promise<number> {
  const expected = answered ? messages : ACTORS;
  let answers = 0;
  let onAll = (): void => {};
  const all = new Promise<void>((resolve) => {
    onAll = resolve;
  });
  const shard = await createThreadShard<Tick, Done>({
    id: 'bench',
    behaviorModule: new URL('./counter-behavior.ts', import.meta.url),
    settings: null,
    limits: LIMITS,
    listener: {
      effects(batch) {
        answers += batch.length;
        if (answers === expected) onAll();
      },
      undelivered: (batch) => {
        throw new Error(`${batch.length} messages undelivered: ${batch[0]?.cause}`);
      },
      dead: (error) => {
        throw error;
      },
    },
  });
  const start = performance.now();
  for (let i = 0; i < messages; i += 1) {
    const answer = answered || i >= messages - ACTORS ? 1 : 0;
    const message: Tick = { kind: 'tick', amount: i, answer };
    const envelope = { to: IDS[i % ACTORS] ?? '', lane: 'user', message, spawn: true } as const;
    while (shard.post(envelope) === 'full') await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  const seconds = (performance.now() - start) / 1_000;
  await shard.stop();
  return messages / seconds;
}

/** The floor: the same objects over a bare port in arrays of `batchSize`. */
export async function portPerSecond({ messages, answered }: Traffic, batchSize: number): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./bare-port-worker.ts', import.meta.url), {
    workerData: { port: port2, messages, answered },
    transferList: [port2],
  });
  await once(worker, 'message');
  let answers = 0;
  const all = new Promise<void>((resolve) => {
    port1.on('message', (batch: readonly Done[]) => {
      answers += batch.length;
      if (answers >= (answered ? messages : 1)) resolve();
    });
  });
  const start = performance.now();
  let batch: Tick[] = [];
  for (let i = 0; i < messages; i += 1) {
    batch.push({ kind: 'tick', amount: i, answer: 1 });
    if (batch.length === batchSize || i === messages - 1) {
      port1.postMessage(batch);
      batch = [];
    }
    // Answers come in between; without that the port would hold all messages at once, which is slower.
    if (i % LIMITS.unhandledEnvelopes === LIMITS.unhandledEnvelopes - 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await all;
  const seconds = (performance.now() - start) / 1_000;
  port1.close();
  await worker.terminate();
  return messages / seconds;
}
