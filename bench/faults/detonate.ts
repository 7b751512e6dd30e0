import process from 'node:process';
import { BroadcastChannel } from 'node:worker_threads';

/** Whether shards were loaded with what can blow them up. */
export function isArmed(): boolean {
  return process.execArgv.some((flag) => flag.includes('bomb.ts'));
}

/** Makes one shard throw where nobody catches. Which one: the first that answers. */
export function detonate(): Promise<void> {
  const fuse = new BroadcastChannel('the0-bench-bomb');
  return new Promise((lit, failed) => {
    const deadline = setTimeout(() => {
      fuse.close();
      failed(new Error('no shard can be made to throw: run with --import ./bench/faults/bomb.ts'));
    }, 5000);
    fuse.onmessage = (event: unknown) => {
      const threadId = typeof event === 'object' && event !== null && 'data' in event ? event.data : null;
      if (typeof threadId !== 'number') return;
      clearTimeout(deadline);
      fuse.postMessage(`throw ${threadId}`);
      fuse.close();
      lit();
    };
    fuse.postMessage('who');
  });
}
