/** One call that has ended. */
export interface MeasuredCall {
  readonly operation: string;
  readonly tookMs: number;
  /** Null: it did what was asked. */
  readonly error: unknown;
}

/**
 * The same part, whose asynchronous methods named in `operations` are measured from outside; all others are as they were.
 * `observe` must not throw.
 */
export function measured<Part extends object>(
  part: Part,
  operations: ReadonlySet<string>,
  observe: (call: MeasuredCall) => void,
  now: () => number = () => performance.now(),
): Part {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const operation = String(name);
      // A class keeps its private fields for itself: its methods are called on it, not on the proxy.
      const call = (...words: unknown[]): unknown => Reflect.apply(member, target, words);
      if (!operations.has(operation)) return call;
      return async (...words: unknown[]): Promise<unknown> => {
        const from = now();
        let error: unknown = null;
        try {
          return await call(...words);
        } catch (thrown) {
          error = thrown;
          throw thrown;
        } finally {
          observe({ operation, tookMs: now() - from, error });
        }
      };
    },
  });
}
