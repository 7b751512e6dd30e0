import { AckPolicy, DeliverPolicy, type JetStreamClient, type JetStreamManager, NatsError, nanos } from 'nats';
import { BOT_ID } from '../bot-fields.ts';
import { EventRefused } from '../event-store.ts';
import type { EventApplier } from './event-applier.ts';
import { parseEvent } from './event-payload.ts';
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
}

/**
 * Applies the events that waited: of each bot only the last one, which says all there is to say. So nothing that is long
 * outdated becomes desired for a moment.
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
      .sort((a, b) => a - b);
    const write = async () => {
      for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
        const message = await storedMessage(manager, next);
        if (message === null) continue;
        await applier.apply(message.subject, message.data, { epoch: backlog.epoch, sequence: next });
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
  { epoch, from, to }: Backlog,
  options: BacklogOptions,
  signal: AbortSignal,
): Promise<{ last: Map<string, number>; upTo: number }> {
  const last = new Map<string, number>();
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
  try {
    const consumer = await jetStream.consumers.get(STREAM, name);
    while (left > 0 && upTo < to && last.size < options.mostBots && !signal.aborted) {
      let got = 0;
      const fetched = { max_messages: Math.min(options.batch, left), expires: options.batchMs };
      for await (const { seq, subject, data } of await consumer.fetch(fetched)) {
        got += 1;
        upTo = seq;
        if (seq > to) break;
        const botId = botIdOf(applier, subject, data, { epoch, sequence: seq });
        if (botId !== null) last.set(botId, seq);
      }
      // Fewer than there were: the oldest have expired meanwhile.
      if (got === 0) break;
      left -= got;
    }
    return { last, upTo: last.size < options.mostBots ? to : Math.min(upTo, to) };
  } finally {
    await remove(manager, name);
  }
}

function botIdOf(
  applier: EventApplier,
  subject: string,
  data: Uint8Array,
  place: { epoch: number; sequence: number },
): string | null {
  const change = changeOf(subject);
  try {
    if (change === null) throw new EventRefused('its subject is none of a lifecycle event');
    const { botId } = parseEvent(applier.kind, change, data);
    return BOT_ID.test(botId) ? botId : null;
  } catch (error) {
    if (!(error instanceof EventRefused)) throw error;
    applier.refused(subject, place, error.message);
    return null;
  }
}

/** Null when it has expired since. */
async function storedMessage(manager: JetStreamManager, seq: number) {
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

/** No such message, consumer or stream, or no JetStream at all. */
export function isNotFound(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  return error.code === '404' || error.code === '503' || error.api_error?.code === 404;
}
