import { monotonicMs } from '../monotonic-clock.ts';
import type { Endpoint } from '../s3-api/endpoint.ts';
import type { S3Limits } from '../s3-api/s3-limits.ts';
import { ByteChannel } from './byte-channel.ts';
import { ConnectionFailure } from './connection-failure.ts';
import { openSocket } from './open-socket.ts';

export interface Connection {
  readonly channel: ByteChannel;
  /** It has served a call before, so the other side may have ended it meanwhile. */
  readonly used: boolean;
}

/** A few connections to one store, kept for a moment between calls. */
export class ConnectionPool {
  readonly #endpoint: Endpoint;
  readonly #ssl: boolean;
  readonly #limits: S3Limits;
  readonly #idle = new Map<ByteChannel, NodeJS.Timeout>();
  readonly #busy = new Set<ByteChannel>();
  /** Being opened. */
  #opening = 0;
  /** Calls that wait for a connection, the oldest first. */
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  constructor(endpoint: Endpoint, ssl: boolean, limits: S3Limits) {
    this.#endpoint = endpoint;
    this.#ssl = ssl;
    this.#limits = limits;
  }

  /**
   * A connection for one call, to be given back with `release` or `discard`.
   * @param fresh one that has not been used before
   * @throws ConnectionFailure
   */
  async take(fresh: boolean, signal: AbortSignal | undefined): Promise<Connection> {
    const deadline = monotonicMs() + this.#limits.callMs;
    while (this.#busy.size + this.#opening >= this.#limits.connections) {
      await this.#turn(deadline - monotonicMs(), signal);
    }
    if (this.#closed) throw new ConnectionFailure('the store was closed', { unanswered: true });
    const kept = this.#takeIdle(fresh);
    if (kept !== null) return { channel: kept, used: true };
    this.#opening += 1;
    try {
      const socket = await openSocket(this.#endpoint, this.#ssl, this.#limits.connectMs, signal);
      const channel = new ByteChannel(socket);
      this.#busy.add(channel);
      return { channel, used: false };
    } finally {
      this.#opening -= 1;
      if (this.#busy.size + this.#opening < this.#limits.connections) this.#next();
    }
  }

  /** Keeps it for the next call. */
  release(channel: ByteChannel): void {
    if (!this.#busy.delete(channel)) return;
    if (this.#closed || !channel.isQuiet) channel.destroy();
    else {
      channel.hold(false);
      const timer = setTimeout(() => {
        this.#idle.delete(channel);
        channel.destroy();
      }, this.#limits.keptMs);
      this.#idle.set(channel, timer.unref());
    }
    this.#next();
  }

  discard(channel: ByteChannel): void {
    channel.destroy();
    if (this.#busy.delete(channel)) this.#next();
  }

  close(): void {
    this.#closed = true;
    for (const [channel, timer] of this.#idle) {
      clearTimeout(timer);
      channel.destroy();
    }
    this.#idle.clear();
    for (const channel of this.#busy) channel.destroy();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The one used last. Those that the other side has ended are dropped, or all when a fresh one is wanted. */
  #takeIdle(fresh: boolean): ByteChannel | null {
    for (const [channel, timer] of [...this.#idle].reverse()) {
      clearTimeout(timer);
      this.#idle.delete(channel);
      if (!fresh && channel.isQuiet) {
        channel.hold(true);
        this.#busy.add(channel);
        return channel;
      }
      channel.destroy();
    }
    return null;
  }

  #next(): void {
    this.#waiting.shift()?.();
  }

  async #turn(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    let stopWaiting = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string) => reject(new ConnectionFailure(why, { unanswered: true }));
        const onAbort = () => fail('aborted');
        const timer = setTimeout(() => fail('all connections to the store are in use'), Math.max(0, waitMs));
        signal?.addEventListener('abort', onAbort);
        if (signal?.aborted) onAbort();
        this.#waiting.push(resolve);
        stopWaiting = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          const place = this.#waiting.indexOf(resolve);
          if (place >= 0) this.#waiting.splice(place, 1);
        };
      });
    } finally {
      stopWaiting();
    }
    if (this.#closed) throw new ConnectionFailure('the store was closed', { unanswered: true });
  }
}
