/**
 * Figures for Prometheus, by its conventions: base units in the name, `_total` for what only grows. Names are public: only
 * added to. A *figure* is read from the part that has it whenever somebody asks; all else is told as it happens.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BotStatus, RecordEffect } from '../../../actors/effect.ts';
import type { MetricsPage } from '../health-server.ts';
import type { DependencyState } from '../readiness.ts';
import { type CountedTimes, histogramText } from './histogram-text.ts';
import type { MeasuredCall } from './measured.ts';

export interface RuntimeMetricsOptions {
  readonly version: string;
  /** The live truth of all bots; read at most once per page. Null: this process has none. */
  readonly bots: (() => Promise<readonly BotStatus[]>) | null;
  /** Longest wait for it, and for each figure; the page is served without it then. */
  readonly readMs?: number;
}

export interface Figure {
  /** With the prefix `the0_`, its unit, and `_total` when it only grows. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Names of labels that `read` gives values of. Each has few: never ids of bots. */
  readonly labels?: readonly string[];
  /** A number, or one for each combination of labels; what is not to be had within some seconds is left out. */
  readonly read: () => FigureValue | Promise<FigureValue>;
}

export type FigureValue = number | readonly FigureSample[];

export interface FigureSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Numbers by the values of one label. */
export function byLabel(label: string, values: Readonly<Record<string, number>>): FigureSample[] {
  return Object.entries(values).map(([value, amount]) => ({ labels: { [label]: value }, value: amount }));
}

/** A call to an engine takes from a few milliseconds to a minute. */
const CALL_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Longest wait for the states of all bots, and for a figure. */
const READ_MS = 2_000;

export class RuntimeMetrics implements MetricsPage {
  readonly #options: RuntimeMetricsOptions;
  readonly #registry = new Registry();
  readonly #transitions: Counter<'from' | 'to' | 'reason'>;
  readonly #starts: Counter<'reason'>;
  readonly #startFailures: Counter<'reason'>;
  readonly #exits: Counter<'reason'>;
  readonly #restarts: Counter<'reason'>;
  readonly #faults: Counter<'part'>;
  readonly #engineCalls: Histogram<'operation' | 'outcome'>;
  readonly #dependencies: Gauge<'dependency'>;
  readonly #bots: Gauge<'kind' | 'state'>;
  readonly #queued: Gauge;
  readonly #botsUnknown: Counter;
  readonly #times: CountedTimes[] = [];
  /** Why a bot that backs off is started again soon; no more of them than there are bots. */
  readonly #endings = new Map<string, string>();
  #page: Promise<string> | null = null;

  constructor(options: RuntimeMetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    const counter = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter({ name, help, labelNames, registers });
    const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
      new Gauge({ name, help, labelNames, registers });
    this.#transitions = counter('the0_bot_transitions_total', 'Changes of state of bots', 'from', 'to', 'reason');
    this.#starts = counter('the0_bot_starts_total', 'Starts of bots that were asked for, by why', 'reason');
    this.#startFailures = counter('the0_bot_start_failures_total', 'Starts that led to no running bot', 'reason');
    this.#exits = counter('the0_bot_exits_total', 'Running bots that ended without being told to', 'reason');
    this.#restarts = counter(
      'the0_bot_restarts_total',
      'Starts of bots after they had ended, by why they ended',
      'reason',
    );
    this.#faults = counter('the0_runtime_faults_total', 'Shards and actors that failed and were replaced', 'part');
    this.#engineCalls = new Histogram({
      name: 'the0_engine_call_duration_seconds',
      help: 'Calls to the container engine; outcome is ok or the code of the failure',
      labelNames: ['operation', 'outcome'],
      buckets: CALL_BUCKETS_S,
      registers,
    });
    this.#dependencies = gauge('the0_dependency_ready', 'Whether a dependency is there (1) or not (0)', 'dependency');
    this.#bots = gauge('the0_bots', 'Bots by kind and state', 'kind', 'state');
    this.#queued = gauge('the0_bot_starts_queued', 'Starts that wait for their turn');
    this.#botsUnknown = counter(
      'the0_bots_unknown_total',
      'Pages on which the states of bots are old: they took too long',
    );
    gauge('the0_build_info', 'Version of the runtime', 'version').set({ version: options.version }, 1);
    // Ten samples of the event loop's lag per second: more cost processor time at rest.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Those who ask while a page is made get the same. */
  page(): Promise<string> {
    this.#page ??= this.#make().finally(() => {
      this.#page = null;
    });
    return this.#page;
  }

  /** For `onTransition` of the supervisor. */
  transition({ botId, from, to, reason: { code } }: RecordEffect): void {
    this.#transitions.inc({ from, to, reason: code });
    if (to === 'starting' && from !== 'starting') {
      this.#starts.inc({ reason: code });
      if (code === 'restart-after-crash') this.#restarts.inc({ reason: this.#endings.get(botId) ?? 'unknown' });
    }
    if (to !== 'backing-off') this.#endings.delete(botId);
    else if (from !== 'backing-off') this.#endings.set(botId, code);
    const isTrouble = to === 'backing-off' || to === 'blocked';
    if (isTrouble && from === 'starting') this.#startFailures.inc({ reason: code });
    if (isTrouble && from === 'running') this.#exits.inc({ reason: code });
  }

  /** For `onFault` of the supervisor. */
  fault(part: 'shard' | 'actor'): void {
    this.#faults.inc({ part });
  }

  engineCall({ operation, tookMs, error }: MeasuredCall): void {
    const outcome = error === null ? 'ok' : failureCode(error);
    this.#engineCalls.observe({ operation, outcome }, tookMs / 1000);
  }

  /** For `onChange` of the readiness. */
  dependency({ name, isReady }: DependencyState): void {
    this.#dependencies.set({ dependency: name }, isReady ? 1 : 0);
  }

  /** Adds something that another part counts itself, such as the front end its queries. */
  figure({ name, help, type, labels = [], read }: Figure): void {
    const put = async (metric: Counter | Gauge): Promise<void> => {
      const now = await inTime(read, this.#readMs);
      metric.reset();
      if (typeof now === 'number') metric.inc(now);
      else for (const sample of now ?? []) metric.inc({ ...sample.labels }, sample.value);
    };
    const configuration = { name, help, labelNames: [...labels], registers: [this.#registry] };
    if (type === 'counter')
      new Counter({
        ...configuration,
        async collect() {
          await put(this);
        },
      });
    else
      new Gauge({
        ...configuration,
        async collect() {
          await put(this);
        },
      });
  }

  /** Adds times that another part sorts into buckets itself. */
  times(times: CountedTimes): void {
    this.#times.push(times);
  }

  get #readMs(): number {
    return this.#options.readMs ?? READ_MS;
  }

  async #make(): Promise<string> {
    await this.#countBots();
    return [await this.#registry.metrics(), ...this.#times.map(histogramText)].join('\n');
  }

  async #countBots(): Promise<void> {
    const { bots } = this.#options;
    if (bots === null) return;
    const statuses = await inTime(bots, this.#readMs);
    if (statuses === null) {
      this.#botsUnknown.inc();
      return;
    }
    this.#bots.reset();
    let queued = 0;
    for (const { kind, state, reason } of statuses) {
      this.#bots.inc({ kind, state });
      if (reason.code === 'start-queued') queued += 1;
    }
    this.#queued.set(queued);
  }
}

/** Null when it fails or takes too long: the page shows that it is not known. */
async function inTime<Value>(read: () => Value | Promise<Value>, ms: number): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null);
  });
  try {
    return await Promise.race([read(), late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** As `EngineError` has it; such codes are few. */
function failureCode(error: unknown): string {
  const failure: unknown = error instanceof Error && 'failure' in error ? error.failure : null;
  const code: unknown = typeof failure === 'object' && failure !== null && 'code' in failure ? failure.code : null;
  return typeof code === 'string' ? code : 'failed';
}
