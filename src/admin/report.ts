import type { BotStatus } from '../../actors/effect.ts';
import { describeReason, type Reason } from '../../actors/reason.ts';
import type { BotExplanation, Overview } from './read-side.ts';
import {
  type BotReply,
  type BotReport,
  type BotsReply,
  type OverviewReply,
  type ReasonReport,
  WIRE_FORMAT,
} from './wire.ts';

/** How the read side's answers look to a client (see `wire.ts`). Sentences are made here, by the runtime that knows its codes. */
export function reportOverview(overview: Overview): OverviewReply {
  const { version, engine, queryUrl, startedAt, troubles, ignored } = overview;
  return {
    format: WIRE_FORMAT,
    version,
    engine,
    queryUrl,
    startedAt: iso(startedAt),
    troubles: [...troubles],
    ignored: [...ignored],
  };
}

export function reportBots(statuses: readonly BotStatus[]): BotsReply {
  return { format: WIRE_FORMAT, bots: statuses.map(reportBot) };
}

export function reportExplanation({ status, timeline, conditions, conditionsUnknown }: BotExplanation): BotReply {
  return {
    format: WIRE_FORMAT,
    bot: reportBot(status),
    timeline: timeline.map(({ from, to, reason }) => ({ at: iso(reason.at), from, to, reason: reportReason(reason) })),
    conditions: conditions.map(({ code, message, since }) => ({ code, message, since: iso(since) })),
    conditionsUnknown,
  };
}

export function reportBot(status: BotStatus): BotReport {
  return {
    id: status.id,
    type: status.kind,
    state: status.state,
    reason: reportReason(status.reason),
    restarts: status.restarts,
    since: iso(status.since),
    endpoint: status.endpoint === null ? null : hostAndPort(status.endpoint),
    retryAt: status.retryAt === null ? null : iso(status.retryAt),
    nextRunAt: status.nextRunAt === null ? null : iso(status.nextRunAt),
    queryable: status.queryable,
    outdated: status.outdated,
    containerId: status.containerId,
  };
}

function reportReason(reason: Reason): ReasonReport {
  const { code, text, advice, severity, origin, retry, facts, at, incarnation, specRevision } = describeReason(reason);
  return { code, text, advice, severity, origin, retry, facts: { ...facts }, at: iso(at), incarnation, specRevision };
}

/** IPv6 addresses in brackets, as in a URL. */
export function hostAndPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A time outside what a date can hold (a broken clock) must not break the whole list. */
function iso(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
