/**
 * The entry of a shard's thread: an actor system between the stream of envelopes and the stream of reports. Whatever goes wrong
 * here outside of an actor ends the thread, which is how its owner hears of it.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { expose } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { ActorSystem } from './actor-system.ts';
import { AddressWriter } from './addresses.ts';
import type { Undelivered } from './behavior.ts';
import { systemClock } from './clock.ts';
import type { KernelLimits } from './limits.ts';
import { loadBehavior } from './load-behavior.ts';
import type { ShardControl } from './shard-control.ts';
import { errorFrom } from './shard-errors.ts';
import {
  BATCH_SIZE,
  cloneError,
  type EnvelopeBatch,
  EnvelopeUnpacker,
  REPORTED_SHARE,
  type Report,
} from './shard-stream.ts';

export interface ShardWorkerStart {
  readonly behaviorModule: string;
  readonly settings: unknown;
  readonly limits: KernelLimits;
  readonly stream: MessagePort;
}

interface AnyEffect {
  readonly kind: string;
}

const start: ShardWorkerStart = workerData;
const { limits, stream } = start;
if (parentPort === null) throw new Error('shard-worker.ts is the entry of a worker thread, not a program');

// The default depends on flags of the process; a shard that goes on after an error nobody saw is worse than a dead one.
process.on('unhandledRejection', (reason) => {
  throw errorFrom(reason);
});

const behavior = await loadBehavior<unknown, unknown, AnyEffect>(start.behaviorModule, start.settings);

const addresses = new AddressWriter();
let from: number[] = [];
let fromIds: string[] = [];
let effects: AnyEffect[] = [];
let undelivered: Undelivered<unknown>[] = [];
let received = 0;
let handledReported = 0;
let effectsReported = 0;
let effectsHandled = 0;
let failed: { id: string; error: Error }[] = [];
let drains: { posted: number; done: (effectsReported: number) => void }[] = [];

const system = new ActorSystem(behavior, systemClock, limits, {
  effect(id, effect) {
    from.push(addresses.number(id));
    fromIds.push(id);
    effects.push(effect);
    if (effects.length >= BATCH_SIZE) report();
  },
  undelivered(letter) {
    const { error } = letter;
    const isPlain = error === undefined || cloneError(error) === null;
    undelivered.push(isPlain ? letter : { ...letter, error: new Error(error.message) });
  },
  turnEnded() {
    const progress = Math.abs(received - system.backlog - handledReported);
    const isMuch = progress >= limits.unhandledEnvelopes * REPORTED_SHARE;
    if (isMuch || effects.length > 0 || undelivered.length > 0) report();
    recoverFailed();
    answerDrains();
    if (isTooFarAhead()) system.pause();
  },
});

const envelopes = new EnvelopeUnpacker<unknown>((to, lane, message, spawn) => system.deliver(to, lane, message, spawn));

stream.on('message', (batch: EnvelopeBatch<unknown>) => {
  effectsHandled = batch.effectsHandled;
  received += batch.to.length;
  envelopes.unpack(batch);
  if (isTooFarAhead()) return;
  system.resume();
  system.runEarly();
});
stream.on('messageerror', (error) => {
  throw error;
});

const control: ShardControl = {
  ready: () => {},
  snapshot: (ids) => system.snapshot(ids),
  drain: (posted) =>
    new Promise((done) => {
      drains.push({ posted, done });
      system.wake();
    }),
};
expose(control, nodeEndpoint(parentPort));

function report(): void {
  const handled = received - system.backlog;
  const next: Report<unknown, AnyEffect> = { ...addresses.take(), from, effects, undelivered, handled };
  const ids = fromIds;
  from = [];
  fromIds = [];
  effects = [];
  undelivered = [];
  try {
    stream.postMessage(next);
  } catch {
    // One effect that cannot be cloned must not cost the others. Which one it is can only be found by trying each.
    reportWhatClones(next, ids);
    return;
  }
  countReported(next);
}

function reportWhatClones(whole: Report<unknown, AnyEffect>, ids: readonly string[]): void {
  const errors = whole.effects.map(cloneError);
  const rest = {
    ...whole,
    from: whole.from.filter((_, i) => errors[i] === null),
    effects: whole.effects.filter((_, i) => errors[i] === null),
  };
  stream.postMessage(rest);
  countReported(rest);
  ids.forEach((id, i) => {
    const error = errors[i];
    if (error === null || error === undefined) return;
    failed.push({ id, error: new TypeError(`An effect of actor ${id} is no plain data: ${error.message}`) });
  });
}

/** An actor whose effect is no plain data is treated as if its `receive` had thrown; not before its turn is over. */
function recoverFailed(): void {
  const toRecover = failed;
  failed = [];
  for (const { id, error } of toRecover) system.fail(id, error);
}

function isTooFarAhead(): boolean {
  return effectsReported - effectsHandled >= limits.unhandledEnvelopes;
}

function countReported(reported: Report<unknown, AnyEffect>): void {
  effectsReported += reported.effects.length;
  handledReported = reported.handled;
}

function answerDrains(): void {
  if (drains.length === 0 || system.backlog > 0 || effects.length > 0) return;
  const answered = drains.filter(({ posted }) => received >= posted);
  drains = drains.filter(({ posted }) => received < posted);
  for (const { done } of answered) done(effectsReported);
}
