import { setTimeout as delay } from 'node:timers/promises';

type OutputStream = NodeJS.WriteStream;

/**
 * What a runtime in the foreground prints. Whoever reads it may stop reading (Ctrl-S, a connection that died, a collector of
 * logs that hangs), leave, or have no room (a full disk), and no bot may notice. So a write never waits and never throws;
 * what does not get out is left out, and the next line that does is preceded by one that says how many are missing.
 */
export class ForegroundOutput {
  readonly #stream: OutputStream;
  readonly #waitingBytes: number;
  readonly #leftOutLine: (lines: number) => string;
  #leftOut = 0;

  /**
   * @param waitingBytes what may wait for a reader before more is left out
   * @param leftOutLine the line that says so
   */
  constructor(stream: OutputStream, waitingBytes: number, leftOutLine: (lines: number) => string) {
    this.#stream = stream;
    this.#waitingBytes = waitingBytes;
    this.#leftOutLine = leftOutLine;
    // Each failed write tells its own callback, too.
    stream.removeAllListeners('error').on('error', () => {});
    stopWaitingForTerminal(stream);
  }

  print(text: string): void {
    if (this.#stream.writableLength > this.#waitingBytes) {
      this.#leftOut += 1;
      return;
    }
    const missing = this.#leftOut;
    this.#leftOut = 0;
    this.#stream.write(missing === 0 ? text : this.#leftOutLine(missing) + text, (error) => {
      if (error) this.#leftOut += missing + 1;
    });
  }

  /** @returns whether all of it got out, or failed to, within `forMs` */
  async flushed(forMs: number): Promise<boolean> {
    if (this.#stream.writableLength === 0) return true;
    const given = new AbortController();
    const late = delay(forMs, false, { signal: given.signal }).catch(() => false);
    const out = new Promise<boolean>((resolve) => this.#stream.write('', () => resolve(true)));
    return await Promise.race([out, late]).finally(() => given.abort());
  }
}

/**
 * Node lets each write to a terminal wait until it is shown, and with it everything else in this thread. It has no public
 * way to say otherwise.
 */
function stopWaitingForTerminal(stream: OutputStream): void {
  if (!stream.isTTY || !('_handle' in stream)) return;
  const handle = stream._handle;
  if (typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) return;
  if (typeof handle.setBlocking === 'function') handle.setBlocking(false);
}
