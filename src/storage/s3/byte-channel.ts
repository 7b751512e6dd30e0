import type { Socket } from 'node:net';
import { errnoOf } from '../../errno.ts';
import { monotonicMs } from '../monotonic-clock.ts';
import { ConnectionFailure } from './connection-failure.ts';
import type { Patience } from './patience.ts';

/** What may wait here unread before the socket is told to pause, in bytes. */
const READ_AHEAD_BYTES = 64 * 1024;

/**
 * A socket that is read and written in turns, each wait bounded. Never holds more than a little of what arrives: unread
 * bytes make the sender wait.
 */
export class ByteChannel {
  readonly #socket: Socket;
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  /** @param socket connected */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#unread.push(chunk);
      this.#unreadBytes += chunk.length;
      if (this.#unreadBytes > READ_AHEAD_BYTES) socket.pause();
      this.#wake?.();
    });
    socket.on('end', () => this.#end(null));
    socket.on('close', () => this.#end(null));
    socket.on('error', (error) => this.#end(error));
  }

  /** Nothing has arrived, and the other side has not ended it. */
  get isQuiet(): boolean {
    return !this.#ended && this.#unread.length === 0;
  }

  /** The next bytes, or null when the other side has ended. @throws ConnectionFailure */
  async read(patience: Patience): Promise<Buffer | null> {
    while (this.#unread.length === 0) {
      if (this.#failure !== null) throw this.#lost(this.#failure);
      if (this.#ended) return null;
      await this.#change(patience);
    }
    const chunk = this.#unread.shift();
    if (chunk === undefined) return null;
    this.#unreadBytes -= chunk.length;
    if (this.#unreadBytes <= READ_AHEAD_BYTES) this.#socket.resume();
    return chunk;
  }

  /** Puts back what `read` gave too much. */
  unread(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#unread.unshift(chunk);
    this.#unreadBytes += chunk.length;
  }

  /**
   * Waits until the socket has handed everything on: whoever gave the bytes may use their buffer again.
   * @returns false when something has arrived, or the other side has ended: there is no use in sending on
   */
  async write(bytes: Buffer | string, patience: Patience): Promise<boolean> {
    if (!this.isQuiet) return false;
    this.#socket.write(bytes, () => this.#wake?.());
    while (this.#socket.writableLength > 0 && this.isQuiet) await this.#change(patience);
    return this.isQuiet;
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end(null);
  }

  /** Whether the process stays alive for it. */
  hold(held: boolean): void {
    if (held) this.#socket.ref();
    else this.#socket.unref();
  }

  #end(error: Error | null): void {
    this.#ended = true;
    this.#failure ??= error;
    this.#wake?.();
  }

  #lost(cause: Error): ConnectionFailure {
    return new ConnectionFailure(`the connection broke (${errnoOf(cause) ?? 'unknown'})`, { cause });
  }

  async #change(patience: Patience): Promise<void> {
    const began = monotonicMs();
    let timer: NodeJS.Timeout | undefined;
    const late = await new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(false);
      timer = setTimeout(resolve, patience.waitMs, true);
    });
    clearTimeout(timer);
    this.#wake = null;
    const waitedMs = monotonicMs() - began;
    patience.spend(waitedMs);
    if (late) throw new ConnectionFailure(`no sign of the store for ${Math.round(waitedMs)} ms`, { isSilence: true });
  }
}
