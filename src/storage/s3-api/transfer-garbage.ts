const ENOUGH_BYTES = 2 * 1024 * 1024;

let passedBytes = 0;

/**
 * Told of every chunk that goes through a client. Such Buffers are garbage a moment later, but V8, for which each is a small
 * object, would look only when there are tens of MB of them: in an agent, many times the memory of all the rest. A small
 * collection takes a millisecond.
 *
 * Only where Node was started with `--expose-gc`, as agents are; otherwise it does nothing.
 */
export function passed(bytes: number): void {
  const collect = globalThis.gc;
  if (collect === undefined) return;
  passedBytes += bytes;
  if (passedBytes < ENOUGH_BYTES) return;
  passedBytes = 0;
  collect({ type: 'minor', execution: 'sync' });
}
