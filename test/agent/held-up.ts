import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';

/**
 * What a busy machine does to a process: it gets no processor for a while, and when it goes on, its timers are due and what
 * it waits for has arrived long ago.
 *
 * @param wait gets a promise that is fulfilled when this process reads what has arrived
 * @returns what `wait` gave
 */
export async function heldUp<Result>(
  forMs: number,
  wait: (arrived: Promise<unknown>) => Promise<Result>,
): Promise<Result> {
  const { port1, port2 } = new MessageChannel();
  try {
    const result = wait(once(port2, 'message'));
    port1.postMessage('arrived');
    for (const end = performance.now() + forMs; performance.now() < end; );
    return await result;
  } finally {
    port1.close();
  }
}
