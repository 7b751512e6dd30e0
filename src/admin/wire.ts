/**
 * What the admin API says, version 1. JSON over HTTP/1.1 on a Unix socket (mode 0600); times are ISO 8601 in UTC.
 *
 *   GET  /v1/overview               OverviewReply
 *   GET  /v1/bots                   BotsReply, sorted by id
 *   GET  /v1/bots/<id>              BotReply: with the timeline, newest last, and what its agent says is not as it should be
 *   POST /v1/bots/<id>/restart      AcceptedReply (202): the bot's actor has been told, it acts on its own
 *   POST /v1/bots/<id>/reset        AcceptedReply (202)
 *   GET  /v1/bots/<id>/logs         text: the last lines; ?tail=<lines>|all (default 100) &follow=1
 *   POST /v1/bots/<id>/query        {path, params?, timeoutSeconds?}: the front end's own status and body (contract 8.1),
 *                                   marked by the header `the0-answered-by: front-end`
 *   POST /v1/down                   DownReply, once all bots have stopped
 *
 * Whatever goes wrong is an ErrorReply with status 4xx or 5xx; in the middle of a log, which has begun as 200, it is the
 * JSON of one in the HTTP trailer `the0-error`. `<id>` is percent-encoded.
 */
import * as v from 'valibot';

/** Raised when a reply changes so that an older reader would misread it. Members may be added without. */
export const WIRE_FORMAT = 1;

export const ANSWERED_BY = 'the0-answered-by';
export const FRONT_END = 'front-end';
export const ERROR_TRAILER = 'the0-error';

const format = v.number();

/** Codes, states and severities stay plain text for the reader: a newer runtime may know more of them. */
const reason = v.object({
  code: v.string(),
  /** What happened, in one sentence. */
  text: v.string(),
  /** What to do about it; may be empty. */
  advice: v.string(),
  severity: v.string(),
  origin: v.string(),
  retry: v.string(),
  facts: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  at: v.string(),
  incarnation: v.number(),
  specRevision: v.string(),
});

const bot = v.object({
  id: v.string(),
  type: v.string(),
  state: v.string(),
  reason,
  restarts: v.number(),
  /** Since when it is in this state. */
  since: v.string(),
  /** `host:port` of the query server of the running bot. */
  endpoint: v.nullable(v.string()),
  retryAt: v.nullable(v.string()),
  /** Of a scheduled bot. Older runtimes do not tell it. */
  nextRunAt: v.optional(v.nullable(v.string()), null),
  queryable: v.boolean(),
  outdated: v.boolean(),
  containerId: v.nullable(v.string()),
});

const timelineEntry = v.object({ at: v.string(), from: v.string(), to: v.string(), reason });

const condition = v.object({ code: v.string(), message: v.string(), since: v.string() });

export const overviewReply = v.object({
  format,
  version: v.string(),
  engine: v.string(),
  queryUrl: v.string(),
  startedAt: v.string(),
  troubles: v.array(v.string()),
  // An older runtime does not tell it.
  ignored: v.optional(v.array(v.string()), []),
});
export const botsReply = v.object({ format, bots: v.array(bot) });
export const botReply = v.object({
  format,
  bot,
  timeline: v.array(timelineEntry),
  // An older runtime has none.
  conditions: v.optional(v.array(condition), []),
  /** Why they are not known; a sentence. */
  conditionsUnknown: v.optional(v.nullable(v.string()), null),
});
export const acceptedReply = v.object({ format, accepted: v.literal(true) });
export const downReply = v.object({ format, stopped: v.number(), failed: v.array(v.string()) });
export const errorReply = v.object({ format, error: v.string(), hint: v.string(), code: v.string() });

/** What a client sends to `query`. */
export const queryRequest = v.object({
  path: v.pipe(v.string(), v.minLength(1)),
  params: v.optional(v.record(v.string(), v.unknown())),
  timeoutSeconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});

export type ReasonReport = v.InferOutput<typeof reason>;
export type BotReport = v.InferOutput<typeof bot>;
export type TimelineReport = v.InferOutput<typeof timelineEntry>;
export type OverviewReply = v.InferOutput<typeof overviewReply>;
export type BotsReply = v.InferOutput<typeof botsReply>;
export type BotReply = v.InferOutput<typeof botReply>;
export type AcceptedReply = v.InferOutput<typeof acceptedReply>;
export type DownReply = v.InferOutput<typeof downReply>;
export type ErrorReply = v.InferOutput<typeof errorReply>;
export type QueryRequest = v.InferOutput<typeof queryRequest>;
