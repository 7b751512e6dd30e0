/** Waits for `promise`, but no longer than so. @throws what it was rejected with meanwhile */
export async function atMost(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    // Not before the next look at what has arrived: a process that was held up itself finds its timers due first.
    timer = setTimeout(() => setImmediate(resolve), timeoutMs);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
