import { byLabel, type RuntimeMetrics } from '../admin/metrics/runtime-metrics.ts';
import type { EventFeed } from '../desired/event-feed.ts';
import type { QueryRuns } from '../query/ephemeral/query-runs.ts';
import type { QueryFrontEnd } from '../query/query-front-end.ts';
import { QUERY_BUCKETS_S } from '../query/query-tally.ts';

/** What the front end counts of queries; those to bots that do not run (`way="run"`) besides. */
export function addQueryFigures(metrics: RuntimeMetrics, frontEnd: QueryFrontEnd, runs: QueryRuns): void {
  metrics.figure({
    name: 'the0_queries_total',
    help: 'Queries that are over, by who was asked (a bot, the query program of one that does not run, nobody) and outcome',
    type: 'counter',
    labels: ['way', 'outcome'],
    read: () => frontEnd.figures().ended.map(({ way, outcome, count }) => ({ labels: { way, outcome }, value: count })),
  });
  metrics.times({
    name: 'the0_query_duration_seconds',
    help: 'Queries to bots, from the first byte of the question to the end of the answer',
    bounds: QUERY_BUCKETS_S,
    label: 'way',
    read: () => frontEnd.figures().took.map(({ way, ...times }) => ({ value: way, ...times })),
  });
  metrics.figure({
    name: 'the0_queries_in_flight',
    help: 'Queries that are not answered yet',
    type: 'gauge',
    read: () => frontEnd.figures().inFlight,
  });
  metrics.figure({
    name: 'the0_query_runs',
    help: 'Query programs of bots that do not run: those that run, and those that wait for a place',
    type: 'gauge',
    labels: ['state'],
    read: () => [
      { labels: { state: 'running' }, value: runs.running },
      { labels: { state: 'waiting' }, value: runs.waiting },
    ],
  });
  metrics.figure({
    name: 'the0_query_threads_replaced_total',
    help: 'Query threads that died and were replaced',
    type: 'counter',
    read: () => frontEnd.figures().threadsReplaced,
  });
}

/** How far a feed of lifecycle events is behind. */
export function addFeedFigures(metrics: RuntimeMetrics, feed: EventFeed): void {
  metrics.figure({
    name: 'the0_nats_events_pending',
    help: 'Lifecycle events in the stream that are not applied yet, by kind of bots; absent while NATS does not say',
    type: 'gauge',
    labels: ['kind'],
    read: async () => (await feed.pending()).map(({ kind, count }) => ({ labels: { kind }, value: count })),
  });
  metrics.figure({
    name: 'the0_nats_events_redelivered_total',
    help: 'Lifecycle events that the stream has sent more than once',
    type: 'counter',
    read: () => feed.redelivered,
  });
  metrics.figure({
    name: 'the0_nats_events_total',
    help: 'Lifecycle events, by what became of them; of those that waited for the start only the last of each bot counts',
    type: 'counter',
    labels: ['outcome'],
    read: () => byLabel('outcome', feed.tally.events),
  });
  metrics.figure({
    name: 'the0_nats_event_gaps_total',
    help: 'Times that events were never read, by cause',
    type: 'counter',
    labels: ['cause'],
    read: () => byLabel('cause', feed.tally.gaps),
  });
}
