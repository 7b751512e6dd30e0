import process from 'node:process';
import { type HealthServer, startHealthServer } from '../../admin/health-server.ts';
import { byLabel, RuntimeMetrics } from '../../admin/metrics/runtime-metrics.ts';
import { type DependencyReport, Readiness } from '../../admin/readiness.ts';
import type { Settings } from '../../config/settings.ts';
import { sweepLoop } from '../../gc/sweep-loop.ts';
import type { ProblemCode, SweepReport } from '../../gc/sweep-report.ts';
import { EXIT } from '../exit-code.ts';
import { ServiceLog } from '../terminal/service-log.ts';
import { VERSION } from '../version-number.ts';
import { type Collector, openCollector } from './collector.ts';
import { sweepLine } from './report-text.ts';

/** Contract 5.3. */
const HEALTH_PORT = 8084;
/** How long the last lines may take to get out. */
const FLUSH_MS = 1_000;

export interface SweepPlan {
  readonly intervalMs: number;
  readonly dryRun: boolean;
}

/**
 * `gc --interval`: sweeps until it is told to end (contract 1.3, 11).
 * @param warnings of the settings
 * @returns the exit code; throws errors for people when it cannot begin
 */
export async function runGcService(
  settings: Settings,
  warnings: readonly string[],
  { intervalMs, dryRun }: SweepPlan,
): Promise<number> {
  const log = new ServiceLog(settings.log);
  const ending = new AbortController();
  const end = () => ending.abort(new Error('told to end'));
  process.once('SIGTERM', end).once('SIGINT', end);
  for (const warning of warnings) log.warn(warning);
  const service = new GcService(log);
  let collector: Collector | null = null;
  try {
    await service.listen(settings.health);
    const opened = await openCollector(settings);
    collector = opened;
    const isTold = await sweepLoop({
      intervalMs,
      sweep: (signal) => opened.sweep({ dryRun, signal, onFailure: (sentence) => log.warn(sentence) }),
      swept: (report) => service.swept(report),
      signal: ending.signal,
    });
    log.info(isTold ? 'Told to end.' : 'The first sweep failed, so something is set up wrong: ending.');
    return isTold ? EXIT.done : EXIT.failed;
  } catch (error) {
    // On stderr it is told as text (contract 1.1); whoever gathers the log would not see it there.
    log.fatal(error);
    throw error;
  } finally {
    process.off('SIGTERM', end).off('SIGINT', end);
    await service.close();
    await collector?.close();
    await log.flushed(FLUSH_MS);
  }
}

/** What others see of it: its log, whether it is ready, its figures. */
class GcService {
  readonly #log: ServiceLog;
  readonly #readiness: Readiness;
  readonly #metrics = new RuntimeMetrics({ version: VERSION, bots: null });
  readonly #mongo: DependencyReport;
  readonly #store: DependencyReport;
  readonly #sweeps: Record<'done' | 'refused' | 'failed', number> = { done: 0, refused: 0, failed: 0 };
  readonly #removed = { bots: 0, objects: 0, credentials: 0, chunks: 0, uploads: 0, queryResults: 0 };
  #failures = 0;
  #last: SweepReport | null = null;
  #server: HealthServer | null = null;

  constructor(log: ServiceLog) {
    this.#log = log;
    this.#readiness = new Readiness((state) => {
      this.#metrics.dependency(state);
      if (!state.isReady) log.error(`${state.name}: ${state.sentence}`);
      else log.info(`${state.name} is there.`);
    });
    this.#mongo = this.#readiness.dependency('MongoDB');
    this.#store = this.#readiness.dependency('object store');
    this.#addFigures();
  }

  /** @throws HealthPortUnusable */
  async listen({ host, port }: Settings['health']): Promise<void> {
    this.#server = await startHealthServer({
      host,
      port: port ?? HEALTH_PORT,
      readiness: this.#readiness,
      metrics: this.#metrics,
      onTrouble: (sentence) => this.#log.warn(sentence),
    });
    this.#log.info('Health checks are answered.', { port: this.#server.port });
  }

  swept(report: SweepReport): void {
    const { problem } = report;
    this.#last = report;
    const { message, facts } = sweepLine(report);
    this.#log.info(message, facts);
    if (problem !== null) this.#log.error(`${problem.sentence}. ${problem.hint}`.trim(), { code: problem.code });
    this.#sweeps[problem === null ? 'done' : problem.isRefusal ? 'refused' : 'failed'] += 1;
    this.#count(report);
    const away = problem === null ? null : DEPENDENCY_OF[problem.code];
    if (away === 'MongoDB') this.#mongo.notReady(problem?.sentence ?? '');
    else this.#mongo.ready();
    if (away === 'object store') this.#store.notReady(problem?.sentence ?? '');
    else if (away === null) this.#store.ready();
  }

  async close(): Promise<void> {
    await this.#readiness.end();
    await this.#server?.close();
  }

  #count(report: SweepReport): void {
    this.#removed.bots += report.removedBots;
    this.#removed.objects += report.removedObjects.count;
    this.#removed.credentials += report.credentials.removed;
    this.#failures += report.failures.count;
    // A dry run removes none of what it counts.
    if (report.dryRun) return;
    this.#removed.chunks += report.chunks.count;
    this.#removed.uploads += report.uploads.count;
    this.#removed.queryResults += report.queryResults.count;
  }

  #addFigures(): void {
    const figure = this.#metrics.figure.bind(this.#metrics);
    figure({
      name: 'the0_gc_sweeps_total',
      help: 'Sweeps, by how they ended',
      type: 'counter',
      labels: ['outcome'],
      read: () => byLabel('outcome', this.#sweeps),
    });
    figure({
      name: 'the0_gc_removed_total',
      help: 'Things removed, by what they are',
      type: 'counter',
      labels: ['what'],
      read: () => byLabel('what', this.#removed),
    });
    figure({
      name: 'the0_gc_failures_total',
      help: 'Single things that could not be looked at or removed',
      type: 'counter',
      read: () => this.#failures,
    });
    figure({
      name: 'the0_gc_orphans_waiting',
      help: 'Bots that nobody knows and whose grace is not over',
      type: 'gauge',
      read: () => this.#last?.waiting.length ?? 0,
    });
    figure({
      name: 'the0_gc_last_sweep_timestamp_seconds',
      help: 'When the last sweep began',
      type: 'gauge',
      read: () => (this.#last?.startedAt ?? 0) / 1000,
    });
  }
}

/** Which dependency a problem tells of; null: all of them answered. */
const DEPENDENCY_OF: Readonly<Record<ProblemCode, 'MongoDB' | 'object store' | null>> = {
  'known-bots-unreadable': 'MongoDB',
  'store-unreadable': 'object store',
  'ledger-unusable': 'object store',
  'no-known-bots': null,
  'no-stored-bot-known': null,
  'too-many-orphans': null,
};
