import { AckPolicy, DeliverPolicy, type JetStreamClient, type JetStreamManager, NatsError, nanos } from 'nats';
import { BOT_ID } from '../bot-fields.ts';
import { EventRefused } from '../event-store.ts';
import type { LifecycleChange } from '../lifecycle-event.ts';
import type { EventApplier } from './event-applier.ts';
import { parseEvent } from './event-payload.ts';
import { FeedError } from './feed-error.ts';
import { changeOf, STREAM, SUBJECTS } from './subjects.ts';

export interface BacklogOptions {
  /** Messages that are asked for at once. */
  readonly batch: number;
  /** How long the server may take over a batch. */
  readonly batchMs: number;
  /** Bots whose last events are applied together; more are applied in parts. */
  readonly mostBots: number;
  /** Bots whose events are written at the same time. */
  readonly atOnce: number;
}

/** Both ends belong to it; sequences of the stream. */
export interface Backlog {
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  /** What came until then, by the clock of NATS, ms since 1970, was applied before and is left out; null: nothing. */
  readonly oldUntil: number | null;
}

/**
 * Applies the events that waited: of each bot only the last one, which says all there is to say; after its deletion, if
 * there was one, because a creation changes nothing of a bot that is there. So nothing that is long outdated becomes
 * desired for a moment.
 * @throws NatsError, FeedError when it breaks off in the middle: to be begun again
 */
export async function applyBacklog(
  jetStream: JetStreamClient,
  manager: JetStreamManager,
  applier: EventApplier,
  backlog: Backlog,
  options: BacklogOptions,
  signal: AbortSignal,
): Promise<void> {
  let from = backlog.from;
  while (from <= backlog.to && !signal.aborted) {
    const { last, upTo } = await readLast(jetStream, manager, applier, { ...backlog, from }, options, signal);
    // In the order of the stream: what comes first is also written first.
    const waiting = last
      .values()
      .toArray()
      .sort((a, b) => a.latest - b.latest);
    const isWritten = async (sequence: number) => {
      const message = await storedMessage(manager, sequence);
      if (message === null) return false;
      const { is } = await applier.apply(message.subject, message.data, { epoch: backlog.epoch, sequence });
      return is !== 'refused';
    };
    const write = async () => {
      for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
        if (next.deletion !== null) await isWritten(next.deletion);
        // One that MongoDB does not take leaves the one before it as the last.
        for (const sequence of inOrder(next)) if (signal.aborted || (await isWritten(sequence))) break;
      }
    };
    await Promise.all(Array.from({ length: options.atOnce }, write));
    from = upTo + 1;
  }
}

async function readLast(
  jetStream: JetStreamClient,
  manager: JetStreamManager,
  applier: EventApplier,
  { epoch, from, to, oldUntil }: Backlog,
  options: BacklogOptions,
  signal: AbortSignal,
): Promise<{ last: Map<string, LastEvents>; upTo: number }> {
  const last = new Map<string, LastEvents>();
  const { name, num_pending } = await manager.consumers.add(STREAM, {
    filter_subject: SUBJECTS[applier.kind],
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
    mem_storage: true,
    inactive_threshold: nanos(60_000),
  });
  let left = num_pending;
  let upTo = from - 1;
  let received = 0;
  try {
    const consumer = await jetStream.consumers.get(STREAM, name);
    while (left > 0 && upTo < to && last.size < options.mostBots && !signal.aborted) {
      let got = 0;
      const fetched = { max_messages: Math.min(options.batch, left), expires: options.batchMs };
      for await (const { seq, subject, data, info } of await consumer.fetch(fetched)) {
        got += 1;
        received += 1;
        // Nothing is sent twice: what came too late for one request is not in the next.
        if (info.deliverySequence !== received) throw brokeOff();
        upTo = seq;
        if (seq > to) break;
        if (oldUntil !== null && Math.floor(info.timestampNanos / 1e6) <= oldUntil) continue;
        const event = headOf(applier, subject, data, { epoch, sequence: seq });
        if (event !== null) last.set(event.botId, withEvent(last.get(event.botId), event.change, seq));
      }
      if (got === 0) {
        const { num_pending: waiting, delivered } = await manager.consumers.info(STREAM, name);
        if (waiting > 0 || delivered.consumer_seq !== received) throw brokeOff();
        // Fewer than there were: the oldest have expired meanwhile.
        break;
      }
      left -= got;
    }
    return { last, upTo: last.size < options.mostBots ? to : Math.min(upTo, to) };
  } finally {
    await remove(manager, name);
  }
}

/** Of one bot; sequences of the stream. */
interface LastEvents {
  readonly latest: number;
  readonly deletion: number | null;
  /** Those after the deletion, oldest first; no more than `MOST_SPARE`. */
  readonly updates: readonly number[];
  readonly creations: readonly number[];
}

/** Events that are kept in case that MongoDB does not take those after them. */
const MOST_SPARE = 8;

function withEvent(
  before: LastEvents = { latest: 0, deletion: null, updates: [], creations: [] },
  change: LifecycleChange['change'],
  latest: number,
): LastEvents {
  switch (change) {
    case 'deleted':
      return { latest, deletion: latest, updates: [], creations: [] };
    case 'updated':
      return { ...before, latest, updates: [...before.updates, latest].slice(-MOST_SPARE) };
    case 'created':
      return { ...before, latest, creations: [...before.creations, latest].slice(0, MOST_SPARE) };
  }
}

/** The last update counts, and where there is none the first creation. */
function inOrder({ updates, creations }: LastEvents): number[] {
  return [...updates.toReversed(), ...creations];
}

function headOf(
  applier: EventApplier,
  subject: string,
  data: Uint8Array,
  place: { epoch: number; sequence: number },
): { readonly botId: string; readonly change: LifecycleChange['change'] } | null {
  const change = changeOf(subject);
  try {
    if (change === null) throw new EventRefused('its subject is none of a lifecycle event');
    const { botId } = parseEvent(applier.kind, change, data);
    return BOT_ID.test(botId) ? { botId, change } : null;
  } catch (error) {
    if (!(error instanceof EventRefused)) throw error;
    applier.refused(subject, data, place, error.message);
    return null;
  }
}

/** Null when there is none with this number, as when it has expired. @throws NatsError */
export async function storedMessage(manager: JetStreamManager, seq: number) {
  try {
    return await manager.streams.getMessage(STREAM, { seq });
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

async function remove(manager: JetStreamManager, name: string): Promise<void> {
  try {
    await manager.consumers.delete(STREAM, name);
  } catch (error) {
    // The server removes it by itself when nobody uses it.
    if (!(error instanceof NatsError)) throw error;
  }
}

function brokeOff(): FeedError {
  return new FeedError(
    'nats-stream-unusable',
    'the server has sent only a part of the lifecycle events that waited',
    'They are read again from the beginning.',
  );
}

/** No such message, consumer or stream, or no JetStream at all. */
export function isNotFound(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  return error.code === '404' || error.code === '503' || error.api_error?.code === 404;
}
