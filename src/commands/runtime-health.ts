import type { BotStatus } from '../../actors/effect.ts';
import { startHealthServer } from '../admin/health-server.ts';
import { measured } from '../admin/metrics/measured.ts';
import { RuntimeMetrics } from '../admin/metrics/runtime-metrics.ts';
import { type DependencyState, type Probe, Readiness } from '../admin/readiness.ts';
import type { ServiceState } from '../desired/service-state.ts';
import type { ContainerEngine, EngineListener } from '../engine/container-engine.ts';
import type { RuntimeStore } from './object-store.ts';
import { VERSION } from './version-number.ts';

/** What the executor asks of an engine; `conditions` is asked by people. */
const MEASURED: ReadonlySet<string> = new Set(['start', 'stop', 'remove', 'inspect', 'runQuery']);

/** Little is asked: what is known, and whether somebody is there. */
const FOLLOWED = { intervalMs: 2_000, timeoutMs: 5_000 };

export interface RuntimeHealthOptions {
  /** Null: all interfaces. */
  readonly host: string | null;
  readonly port: number;
  /** The live truth of all bots, for the metrics. */
  readonly bots: () => Promise<readonly BotStatus[]>;
  /** Null: none is configured. */
  readonly objectStore: RuntimeStore | null;
  /** What people should know of it although it works, in sentences. */
  readonly storeRemarks: () => readonly string[];
  /** A dependency came or went. */
  readonly changed?: (state: DependencyState) => void;
  readonly warn: (sentence: string) => void;
}

/** Health, readiness and metrics of a process that runs bots; more dependencies and figures may be added to both. */
export interface RuntimeHealth {
  readonly port: number;
  readonly readiness: Readiness;
  readonly metrics: RuntimeMetrics;
  /** The same engine, measured; that it is reached and lost is told to the readiness. Once. */
  watching(engine: ContainerEngine): ContainerEngine;
  /** A service that is known by those who use it. */
  follows(name: string, state: () => ServiceState | Promise<ServiceState>): void;
  close(): Promise<void>;
}

/**
 * Listens at once; ready when every dependency is (contract 5.3).
 * @throws HealthPortUnusable
 */
export async function openRuntimeHealth(options: RuntimeHealthOptions): Promise<RuntimeHealth> {
  const { host, port, bots, objectStore, storeRemarks, changed, warn } = options;
  const metrics = new RuntimeMetrics({ version: VERSION, bots });
  const readiness = new Readiness((state) => {
    metrics.dependency(state);
    changed?.(state);
  });
  const server = await startHealthServer({ host, port, readiness, metrics, onTrouble: warn });
  // The first look goes on while the rest starts.
  if (objectStore !== null) void readiness.probe('object store', storeProbe(objectStore, storeRemarks));
  return {
    port: server.port,
    readiness,
    metrics,
    watching(engine) {
      const dependency = readiness.dependency(engine.name === 'docker' ? 'Docker' : 'engine');
      const told = (listener: EngineListener): EngineListener => ({
        observed: (observation) => listener.observed(observation),
        listed(present) {
          dependency.ready();
          listener.listed(present);
        },
        lost(error) {
          dependency.notReady(error.message);
          listener.lost(error);
        },
      });
      const calls = measured(engine, MEASURED, (call) => metrics.engineCall(call));
      return new Proxy(calls, {
        get: (target, name) =>
          name === 'watch' ? (listener: EngineListener) => target.watch(told(listener)) : Reflect.get(target, name),
      });
    },
    follows(name, state) {
      const look = async () => {
        const known = await state();
        if (!known.usable) return known.reason;
        return known.remark === undefined ? null : { remark: known.remark };
      };
      void readiness.probe(name, look, FOLLOWED);
    },
    async close() {
      await readiness.end();
      await server.close();
    },
  };
}

/** Contract 5.3: the bucket of the code must be there. */
function storeProbe({ store, access }: RuntimeStore, remarks: () => readonly string[]): Probe {
  return async (signal) => {
    if (await store.bucketExists(access.buckets.code, signal)) return { remark: remarks().join(' ') };
    return `The object store ${access.endpoint} has no bucket ${access.buckets.code}.`;
  };
}
