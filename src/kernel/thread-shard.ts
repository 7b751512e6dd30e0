import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { type Remote, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import type { Behavior, Envelope } from './behavior.ts';
import type { KernelLimits } from './limits.ts';
import { loadBehavior } from './load-behavior.ts';
import type { Shard, ShardListener } from './shard.ts';
import { PendingCalls, type ShardControl } from './shard-control.ts';
import { errorFrom, ShardGone, ShardStartFailed } from './shard-errors.ts';
import { ShardOutbox } from './shard-outbox.ts';
import { EffectUnpacker, type Report } from './shard-stream.ts';
import type { ShardWorkerStart } from './shard-worker.ts';

export interface ThreadShardOptions<Message, Effect> {
  readonly id: string;
  /** Exports `createBehavior(settings)`. Imported in the thread, and here for `coalesce`. */
  readonly behaviorModule: URL;
  /** Structured-clonable. */
  readonly settings: unknown;
  readonly listener: ShardListener<Message, Effect>;
  readonly limits: KernelLimits;
}

/**
 * Starts a shard on a thread of its own.
 *
 *     owner                               thread
 *     post ──► ShardOutbox ── raw port ──► mailboxes
 *     listener ◄───────────── raw port ─── reports
 *     snapshot, stop ◄─ comlink, deadlines ─►
 *
 * @throws ShardStartFailed when the behavior cannot be loaded or the thread is not ready in `limits.controlDeadlineMs`
 */
export async function createThreadShard<Message, Effect extends { readonly kind: string }>(
  options: ThreadShardOptions<Message, Effect>,
): Promise<Shard<Message>> {
  const { id, behaviorModule, settings, limits } = options;
  const deadlineMs = limits.controlDeadlineMs;
  const calls = new PendingCalls(id);
  let shard: ThreadShard<Message, Effect> | null = null;
  try {
    const loading = loadBehavior<unknown, Message, Effect>(behaviorModule.href, settings);
    const behavior = await calls.wait('load its behavior', deadlineMs, loading);
    shard = new ThreadShard(options, behavior, calls, deadlineMs);
    await shard.ready();
    return shard;
  } catch (thrown) {
    await shard?.end();
    const error = errorFrom(thrown);
    throw new ShardStartFailed(id, error instanceof ShardGone && error.cause instanceof Error ? error.cause : error);
  }
}

/**
 *     starting ──ready──► running ──stop()──► stopping ──drained──► ended
 *         │                  │ thread dies        │ thread dies, or deadline
 *         ▼ start rejects    ▼ listener.dead      ▼ stop rejects
 *       ended              ended                ended
 */
class ThreadShard<Message, Effect extends { readonly kind: string }> implements Shard<Message> {
  readonly id: string;
  readonly #listener: ShardListener<Message, Effect>;
  readonly #calls: PendingCalls;
  readonly #deadlineMs: number;
  readonly #worker: Worker;
  readonly #control: Remote<ShardControl>;
  readonly #stream: MessagePort;
  readonly #outbox: ShardOutbox<Message>;
  readonly #effects = new EffectUnpacker<Effect>();
  #phase: 'starting' | 'running' | 'stopping' | 'ended' = 'starting';
  #stopped: Promise<void> | null = null;
  #crash: Error | null = null;
  #effectsHandled = 0;
  #onEffectsHandled: (() => void) | null = null;

  constructor(
    options: ThreadShardOptions<Message, Effect>,
    behavior: Behavior<unknown, Message, Effect>,
    calls: PendingCalls,
    deadlineMs: number,
  ) {
    const { id, listener, limits } = options;
    const { port1, port2 } = new MessageChannel();
    this.id = id;
    this.#listener = listener;
    this.#calls = calls;
    this.#deadlineMs = deadlineMs;
    this.#stream = port1;
    this.#outbox = new ShardOutbox({
      stream: port1,
      coalesce: (older, newer) => behavior.coalesce(older, newer),
      unhandledEnvelopes: limits.unhandledEnvelopes,
      onUnusable: (batch) => listener.undelivered(batch),
    });
    const behaviorModule = options.behaviorModule.href;
    const workerData: ShardWorkerStart = { behaviorModule, settings: options.settings, limits, stream: port2 };
    const entry = new URL('./shard-worker.ts', import.meta.url);
    this.#worker = new Worker(entry, { name: `shard ${id}`, workerData, transferList: [port2] });
    this.#control = wrap<ShardControl>(nodeEndpoint(this.#worker));
    this.#worker.on('error', (error: unknown) => {
      this.#crash ??= errorFrom(error);
    });
    this.#worker.on('exit', (code) => this.#exited(code));
    this.#stream.on('message', (report: Report<Message, Effect>) => this.#take(report));
    this.#stream.on('messageerror', (error) => {
      this.#crash ??= error;
      this.kill();
    });
  }

  async ready(): Promise<void> {
    await this.#calls.wait('start', this.#deadlineMs, this.#control.ready());
    this.#phase = 'running';
  }

  post(envelope: Envelope<Message>): 'accepted' | 'full' {
    return this.#phase === 'running' ? this.#outbox.post(envelope) : 'full';
  }

  async snapshot(ids: readonly string[] | null, deadlineMs = this.#deadlineMs): Promise<unknown[]> {
    if (this.#phase === 'ended') throw new ShardGone(this.id, 'no snapshot can be taken');
    return this.#calls.wait('snapshot', deadlineMs, this.#control.snapshot(ids));
  }

  stop(deadlineMs = this.#deadlineMs): Promise<void> {
    if (this.#stopped !== null || this.#phase === 'ended') return this.#stopped ?? Promise.resolve();
    this.#phase = 'stopping';
    this.#outbox.flushAll();
    this.#stopped = this.#calls.wait('stop', deadlineMs, this.#drain()).finally(() => this.end());
    return this.#stopped;
  }

  kill(): void {
    if (this.#phase === 'ended') return;
    this.#crash ??= new Error('it was killed');
    void this.#worker.terminate();
  }

  /** Ends the thread and tells nobody. */
  async end(): Promise<void> {
    this.#close();
    this.#calls.rejectAll(new ShardGone(this.id, 'it was stopped'));
    await this.#worker.terminate();
  }

  /** The answer comes by another port than the effects, so it may be here before them. */
  async #drain(): Promise<void> {
    const effectsReported = await this.#control.drain(this.#outbox.posted);
    while (this.#effectsHandled < effectsReported) {
      await new Promise<void>((resolve) => {
        this.#onEffectsHandled = resolve;
      });
    }
  }

  #take(report: Report<Message, Effect>): void {
    if (this.#phase === 'ended') return;
    const effects = this.#effects.unpack(report);
    // First the counts: they must be right even if the listener throws.
    this.#effectsHandled += effects.length;
    this.#outbox.acknowledge(this.#effectsHandled);
    this.#outbox.confirm(report.handled);
    if (effects.length > 0) this.#listener.effects(effects);
    if (report.undelivered.length > 0) this.#listener.undelivered(report.undelivered);
    this.#onEffectsHandled?.();
  }

  #exited(code: number): void {
    if (this.#phase === 'ended') return;
    const cause = this.#crash ?? new Error(`its thread exited with code ${code}`);
    const error = new ShardGone(this.id, cause.message, { cause });
    const isAsked = this.#phase !== 'running';
    this.#close();
    this.#calls.rejectAll(error);
    if (!isAsked) this.#listener.dead(error);
  }

  #close(): void {
    this.#phase = 'ended';
    this.#outbox.close();
    this.#stream.close();
  }
}
