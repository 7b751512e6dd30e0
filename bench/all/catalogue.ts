import { join } from 'node:path';

/** One run of one benchmark. */
export interface Bench {
  /** Also the name of the file with its result. */
  readonly name: string;
  /** In this folder's parent. */
  readonly script: string;
  readonly nodeFlags: readonly string[];
  /** Besides --json and --short. */
  readonly flags: readonly string[];
  readonly needs: readonly Need[];
}

export type Need = 'docker' | 'linux' | 'minio' | 'mongodb' | 'nats';

/** Next to the scripts, for loaders named on the command line. */
export const BENCH_DIRECTORY = join(import.meta.dirname, '..');

const COLLECT = ['--expose-gc'];
/** A path that holds wherever the command is run. */
const BOMB = ['--import', join(BENCH_DIRECTORY, 'faults/bomb.ts')];

const ALL_SERVICES: readonly Need[] = ['docker', 'linux', 'minio', 'mongodb', 'nats'];

/** In the order in which they run: what needs least first. */
export const CATALOGUE: readonly Bench[] = [
  bench('kernel', { nodeFlags: COLLECT }),
  bench('actor-memory', { nodeFlags: COLLECT }),
  bench('query'),
  bench('change', { flags: ['--engine', 'process'] }),
  bench('crash-process', { needs: ['linux'] }),
  bench('adoption-process', { script: 'adoption.ts', flags: ['--engine', 'process'], needs: ['linux'] }),
  bench('faults', { nodeFlags: BOMB, needs: ['linux'] }),
  bench('first-query'),
  stateBench('change'),
  stateBench('sweep'),
  stateBench('memory', ['docker']),
  stateBench('history'),
  stateBench('bots'),
  logBench('append', ['minio']),
  logBench('fresh', ['minio']),
  logBench('day', []),
  logBench('soak', ['linux', 'minio', 'nats']),
  serviceBench('logs-200', 'logs', ['minio']),
  serviceBench('scheduled-2000', 'scheduled', ['mongodb']),
  bench('change-docker', { script: 'change.ts', flags: ['--engine', 'docker'], needs: ['docker'] }),
  bench('crash-docker', { needs: ['docker', 'linux'] }),
  bench('cold-docker', { needs: ['docker'] }),
  bench('ephemeral', { needs: ['docker', 'linux', 'minio'] }),
  agentBench('memory'),
  agentBench('container'),
  agentBench('start'),
  agentBench('upload'),
  serviceBench('event-start', 'event-start', ALL_SERVICES),
  serviceBench('mongo-change', 'mongo-change', ALL_SERVICES),
  serviceBench('cold-services', 'cold', ALL_SERVICES),
  serviceBench('query-services', 'query', ALL_SERVICES),
  serviceBench('control-memory', 'memory', ALL_SERVICES),
  bench('adoption-docker', { script: 'adoption.ts', flags: ['--engine', 'docker'], needs: ['docker'] }),
];

function bench(name: string, differences: Partial<Omit<Bench, 'name'>> = {}): Bench {
  return { name, script: `${name}.ts`, nodeFlags: [], flags: [], needs: [], ...differences };
}

function stateBench(part: string, needs: readonly Need[] = []): Bench {
  return bench(`state-${part}`, { script: 'state.ts', flags: ['--part', part], needs: ['linux', 'minio', ...needs] });
}

function logBench(part: string, needs: readonly Need[]): Bench {
  return bench(`logs-${part}`, { script: 'logs.ts', flags: ['--part', part], needs });
}

function serviceBench(name: string, part: string, needs: readonly Need[]): Bench {
  return bench(name, { script: 'services.ts', flags: ['--part', part], needs });
}

function agentBench(part: string): Bench {
  return bench(`agent-${part}`, {
    script: 'agent.ts',
    flags: ['--part', part],
    needs: ['docker', 'linux', 'minio', 'nats'],
  });
}
