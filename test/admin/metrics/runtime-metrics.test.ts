import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BotState, RecordEffect } from '../../../actors/effect.ts';
import type { ReasonCode } from '../../../actors/reason.ts';
import { startHealthServer } from '../../../src/admin/health-server.ts';
import { measured } from '../../../src/admin/metrics/measured.ts';
import { RuntimeMetrics } from '../../../src/admin/metrics/runtime-metrics.ts';
import { Readiness } from '../../../src/admin/readiness.ts';
import { EngineError } from '../../../src/engine/container-engine.ts';
import { reason, status } from '../fake-read-side.ts';

function record(from: BotState, to: BotState, code: ReasonCode): RecordEffect {
  const memory = { incarnation: 1, attempt: 0, restarts: 0, backoffUntil: 0, reason: null };
  return { kind: 'record', botId: 'a', from, to, reason: reason({ code }), memory };
}

test('bots, starts, failures, restarts and exits are on the page that Prometheus reads', async (t) => {
  const metrics = new RuntimeMetrics({
    version: '1.2.3',
    bots: async () => [
      status('a'),
      status('b', { state: 'waiting', reason: reason({ code: 'start-queued' }) }),
      status('c'),
    ],
  });
  metrics.transition(record('waiting', 'starting', 'first-start'));
  metrics.transition(record('starting', 'running', 'first-start'));
  metrics.transition(record('running', 'backing-off', 'bot-crashed'));
  metrics.transition(record('backing-off', 'starting', 'restart-after-crash'));
  metrics.transition(record('starting', 'backing-off', 'start-failed'));
  metrics.fault('shard');
  metrics.figure({
    name: 'the0_queries_total',
    help: 'Queries',
    type: 'counter',
    labels: ['way', 'outcome'],
    read: () => [
      { labels: { way: 'bot', outcome: 'ok' }, value: 7 },
      { labels: { way: 'none', outcome: 'not-found' }, value: 2 },
    ],
  });
  metrics.times({
    name: 'the0_query_duration_seconds',
    help: 'Queries',
    bounds: [0.5, 1],
    label: 'way',
    read: () => [{ value: 'bot', sumSeconds: 4.25, buckets: [3, 0, 1] }],
  });
  metrics.figure({ name: 'the0_queries_in_flight', help: 'Queries under way', type: 'gauge', read: () => 3 });
  const readiness = new Readiness((state) => metrics.dependency(state));
  readiness.dependency('NATS').ready();
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, readiness, metrics, onTrouble: assert.fail });
  t.after(() => server.close());
  const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n');
  for (const line of [
    'the0_build_info{version="1.2.3"} 1',
    'the0_bots{kind="realtime",state="running"} 2',
    'the0_bots{kind="realtime",state="waiting"} 1',
    'the0_bot_starts_queued 1',
    'the0_bot_starts_total{reason="first-start"} 1',
    'the0_bot_starts_total{reason="restart-after-crash"} 1',
    'the0_bot_restarts_total{reason="bot-crashed"} 1',
    'the0_bot_start_failures_total{reason="start-failed"} 1',
    'the0_bot_exits_total{reason="bot-crashed"} 1',
    'the0_bot_transitions_total{from="running",to="backing-off",reason="bot-crashed"} 1',
    'the0_runtime_faults_total{part="shard"} 1',
    'the0_queries_total{way="bot",outcome="ok"} 7',
    'the0_queries_total{way="none",outcome="not-found"} 2',
    '# TYPE the0_query_duration_seconds histogram',
    'the0_query_duration_seconds_bucket{le="0.5",way="bot"} 3',
    'the0_query_duration_seconds_bucket{le="1",way="bot"} 3',
    'the0_query_duration_seconds_bucket{le="+Inf",way="bot"} 4',
    'the0_query_duration_seconds_sum{way="bot"} 4.25',
    'the0_query_duration_seconds_count{way="bot"} 4',
    'the0_queries_in_flight 3',
    'the0_dependency_ready{dependency="NATS"} 1',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(lines.some((line) => /^process_resident_memory_bytes \d+/.test(line)));
  assert.ok(lines.some((line) => line.startsWith('nodejs_eventloop_lag_p99_seconds ')));
});

test('a state that nobody has any more is gone from the next page, and a figure that shrank is what it is', async () => {
  let bots = [status('a'), status('b', { state: 'blocked' })];
  let waiting = 5;
  const metrics = new RuntimeMetrics({ version: '1', bots: async () => bots });
  metrics.figure({ name: 'the0_waiting', help: 'Those that wait', type: 'gauge', read: () => waiting });
  assert.match(await metrics.page(), /state="blocked"\} 1\n[\s\S]*the0_waiting 5\n/);
  bots = [status('a')];
  waiting = 0;
  const page = await metrics.page();
  assert.doesNotMatch(page, /state="blocked"/);
  assert.match(page, /the0_waiting 0\n/);
});

test('bots whose states are not to be had do not keep the page from those who ask', async () => {
  const hangs = new RuntimeMetrics({ version: '1', bots: () => new Promise(() => {}), readMs: 10 });
  assert.match(await hangs.page(), /the0_bots_unknown_total 1\n/);
  const fails = new RuntimeMetrics({ version: '1', bots: () => Promise.reject(new Error('no shard')), readMs: 10_000 });
  assert.match(await fails.page(), /the0_bots_unknown_total 1\n/);
});

test('a figure that is not to be had is left out of the page, and is there again when it is', async () => {
  const metrics = new RuntimeMetrics({ version: '1', bots: null, readMs: 10 });
  let read = (): number | Promise<number> => new Promise(() => {});
  metrics.figure({
    name: 'the0_pending',
    help: 'Those that wait',
    type: 'gauge',
    labels: ['kind'],
    read: async () => [{ labels: { kind: 'realtime' }, value: await read() }],
  });
  assert.doesNotMatch(await metrics.page(), /^the0_pending/m);
  read = () => 3;
  assert.match(await metrics.page(), /^the0_pending\{kind="realtime"\} 3$/m);
  read = () => {
    throw new Error('away');
  };
  assert.doesNotMatch(await metrics.page(), /^the0_pending/m);
});

test('a restart is counted by why the bot had ended, however often it was tried in between', async () => {
  const metrics = new RuntimeMetrics({ version: '1', bots: null });
  for (const [from, to, code] of [
    ['running', 'backing-off', 'bot-out-of-memory'],
    ['backing-off', 'backing-off', 'engine-rejected'],
    ['backing-off', 'starting', 'restart-after-crash'],
    ['starting', 'running', 'restart-after-crash'],
    // The runtime was started anew while it backed off.
    ['running', 'stopped', 'disabled'],
    ['stopped', 'starting', 'restart-after-crash'],
  ] as const) {
    metrics.transition(record(from, to, code));
  }
  const page = await metrics.page();
  assert.match(page, /^the0_bot_restarts_total\{reason="bot-out-of-memory"\} 1$/m);
  assert.match(page, /^the0_bot_restarts_total\{reason="unknown"\} 1$/m);
});

test('calls of an engine are measured from outside, with the code of their failure', async () => {
  class Engine {
    readonly #name = 'docker';
    get name(): string {
      return this.#name;
    }
    async start(botId: string): Promise<string> {
      if (botId === 'bad') throw new EngineError({ code: 'image-missing', facts: {} }, 'no image');
      return `${this.#name}/${botId}`;
    }
    async inspect(): Promise<string> {
      return this.#name;
    }
  }
  const metrics = new RuntimeMetrics({ version: '1', bots: null });
  let now = 0;
  const engine = measured(
    new Engine(),
    new Set(['start']),
    (call) => metrics.engineCall(call),
    () => (now += 250),
  );
  assert.equal(engine.name, 'docker');
  assert.equal(await engine.start('a'), 'docker/a');
  await assert.rejects(engine.start('bad'), EngineError);
  assert.equal(await engine.inspect(), 'docker');
  const page = await metrics.page();
  assert.match(page, /the0_engine_call_duration_seconds_sum\{operation="start",outcome="ok"\} 0\.25\n/);
  assert.match(page, /the0_engine_call_duration_seconds_count\{operation="start",outcome="image-missing"\} 1\n/);
  assert.doesNotMatch(page, /operation="inspect"/);
});
