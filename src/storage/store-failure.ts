import { type ObjectPlace, StoreError, type StoreTrouble } from './object-store.ts';

/** What a call to the store was about, for its error: `get bot-state/b1/state.tar.gz`. The key is empty for a bucket. */
export interface StoreCall extends ObjectPlace {
  readonly operation: string;
}

/** @param what what went wrong, without any credential */
export function storeFailure(trouble: StoreTrouble, call: StoreCall, what: string, cause?: unknown): StoreError {
  const where = call.key === '' ? call.bucket : `${call.bucket}/${call.key}`;
  const message = `${call.operation} ${printable(where)}: ${what}`;
  return new StoreError(trouble, message, cause === undefined ? undefined : { cause });
}

/** Keys may hold anything; an error has to stay one line. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?').slice(0, LONGEST_NAME);
}

const LONGEST_NAME = 300;

/** The person or the part of the program that asked does not want it any more. */
export function aborted(call: StoreCall, signal: AbortSignal): StoreError {
  return storeFailure('unreachable', call, 'aborted', signal.reason);
}

export function refuseAborted(call: StoreCall, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(call, signal);
}
