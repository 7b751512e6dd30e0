import { ActorSystem } from './actor-system.ts';
import type { Behavior, Envelope, Undelivered } from './behavior.ts';
import type { Clock } from './clock.ts';
import type { KernelLimits } from './limits.ts';
import type { Shard, ShardEffect, ShardListener } from './shard.ts';
import { ShardGone, ShardTimeout } from './shard-errors.ts';

export interface LocalShardOptions<State, Message, Effect extends { readonly kind: string }> {
  readonly id: string;
  readonly behavior: Behavior<State, Message, Effect>;
  readonly listener: ShardListener<Message, Effect>;
  readonly clock: Clock;
  readonly limits: KernelLimits;
}

/**
 * A shard in the caller's thread: for tests, the simulator and small hosts. On a virtual clock it is deterministic.
 *
 * The listener is called at the end of turns, which the clock defers; never inside `post`. `snapshot` looks at the actors as they are at the
 * call, so what was posted in the same turn is not in it yet.
 */
export function createLocalShard<State, Message, Effect extends { readonly kind: string }>(
  options: LocalShardOptions<State, Message, Effect>,
): Shard<Message> {
  return new LocalShard(options);
}

class LocalShard<State, Message, Effect extends { readonly kind: string }> implements Shard<Message> {
  readonly id: string;
  readonly #listener: ShardListener<Message, Effect>;
  readonly #clock: Clock;
  readonly #limits: KernelLimits;
  readonly #system: ActorSystem<State, Message, Effect>;
  #effects: ShardEffect<Effect>[] = [];
  #undelivered: Undelivered<Message>[] = [];
  #phase: 'running' | 'stopping' | 'ended' = 'running';
  #stopped: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;
  #onGone: ((error: ShardGone) => void) | null = null;

  constructor(options: LocalShardOptions<State, Message, Effect>) {
    const { id, behavior, listener, clock, limits } = options;
    this.id = id;
    this.#listener = listener;
    this.#clock = clock;
    this.#limits = limits;
    this.#system = new ActorSystem(behavior, clock, limits, {
      effect: (from, effect) => {
        this.#effects.push({ from, effect });
      },
      undelivered: (undelivered) => {
        this.#undelivered.push(undelivered);
      },
      turnEnded: () => this.#handOver(),
    });
  }

  post(envelope: Envelope<Message>): 'accepted' | 'full' {
    if (this.#phase !== 'running') return 'full';
    const { to, lane, message, spawn } = envelope;
    const unhandled = this.#system.backlog + this.#undelivered.length;
    if (lane !== 'observation' && unhandled >= this.#limits.unhandledEnvelopes) return 'full';
    this.#system.deliver(to, lane, message, spawn === true);
    return 'accepted';
  }

  async snapshot(ids: readonly string[] | null): Promise<unknown[]> {
    if (this.#phase === 'ended') throw new ShardGone(this.id, 'no snapshot can be taken');
    return this.#system.snapshot(ids);
  }

  stop(deadlineMs = this.#limits.controlDeadlineMs): Promise<void> {
    if (this.#stopped !== null || this.#phase === 'ended') return this.#stopped ?? Promise.resolve();
    this.#phase = 'stopping';
    this.#stopped = new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(deadlineMs, () => {
        this.#end();
        reject(new ShardTimeout(this.id, 'stop', deadlineMs));
      });
      this.#onGone = (error) => {
        cancel();
        reject(error);
      };
      this.#onIdle = () => {
        cancel();
        this.#end();
        resolve();
      };
    });
    this.#system.wake();
    return this.#stopped;
  }

  kill(): void {
    if (this.#phase === 'ended') return;
    const wasAsked = this.#phase === 'stopping';
    this.#end();
    const error = new ShardGone(this.id, 'it was killed');
    if (wasAsked) this.#onGone?.(error);
    else this.#clock.defer(() => this.#listener.dead(error));
  }

  #end(): void {
    this.#phase = 'ended';
    this.#system.close();
    this.#effects = [];
    this.#undelivered = [];
  }

  #handOver(): void {
    const effects = this.#effects;
    const undelivered = this.#undelivered;
    if (effects.length > 0) {
      this.#effects = [];
      this.#listener.effects(effects);
    }
    // The listener may have killed the shard.
    if (undelivered.length > 0 && this.#phase !== 'ended') {
      this.#undelivered = [];
      this.#listener.undelivered(undelivered);
    }
    if (this.#phase === 'stopping' && this.#system.backlog === 0) this.#onIdle?.();
  }
}
