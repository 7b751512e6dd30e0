import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import type Docker from 'dockerode';
import { followDeaths } from './bare-loop.ts';

/** What the smallest loop on two threads took from each `die` event, in milliseconds. */
export interface HopLoop {
  /** Until the other thread's answer was here and the start was called. */
  readonly toStartCall: number[];
  /** Until this thread had its next turn: what no program in Node is spared that does not act in the event's own turn. */
  readonly toNextTurn: number[];
  close(): Promise<void>;
}

/** "die event, ask another thread, start again in place", nothing else. */
export async function restartByAnotherThread(docker: Docker, label: string): Promise<HopLoop> {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./echo.ts', import.meta.url), { workerData: port2, transferList: [port2] });
  await once(worker, 'message');
  const toStartCall: number[] = [];
  const toNextTurn: number[] = [];
  const died = new Map<string, number>();
  port1.on('message', (id: string) => {
    toStartCall.push(performance.now() - (died.get(id) ?? Number.NaN));
    docker
      .getContainer(id)
      .start()
      .catch(() => {
        // The bench removes containers while the loop still runs.
      });
  });
  const unfollow = await followDeaths(docker, label, (id) => {
    const at = performance.now();
    died.set(id, at);
    port1.postMessage(id);
    setImmediate(() => toNextTurn.push(performance.now() - at));
  });
  return {
    toStartCall,
    toNextTurn,
    async close() {
      unfollow();
      port1.close();
      await worker.terminate();
    },
  };
}
