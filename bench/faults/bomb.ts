/**
 * Loaded into every thread with `--import`, so that a fault comes from inside: a shard that is told to throws where nobody
 * catches, in its own event loop. Does nothing in other threads.
 */
import { BroadcastChannel, isMainThread, threadId, workerData } from 'node:worker_threads';

const data: unknown = workerData;
if (!isMainThread && typeof data === 'object' && data !== null && 'behaviorModule' in data) {
  const fuse = new BroadcastChannel('the0-bench-bomb');
  fuse.onmessage = (event: unknown) => {
    const message = typeof event === 'object' && event !== null && 'data' in event ? event.data : null;
    if (message === 'who') fuse.postMessage(threadId);
    if (message === `throw ${threadId}`) throw new Error('thrown on purpose, and nobody catches it');
  };
  fuse.unref();
}
