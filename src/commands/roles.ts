import type { BotKind } from '../../actors/bot-spec.ts';
import type { FlagValues } from '../config/read-setting.ts';

/** What one process is for: each is the same supervisor with other parts around it. */
export interface Role {
  readonly name: 'up' | 'bot-runner' | 'bot-scheduler' | 'query-server';
  /** Which bots it knows. */
  readonly kinds: readonly BotKind[];
  /** False: it sees bots and changes nothing of them (design 4, "Roles"). */
  readonly governs: boolean;
  readonly answersQueries: boolean;
  /** What it cannot do without, beside MongoDB. */
  readonly needs: readonly ('object-store' | 'nats')[];
  /** Texts by flag, below flags and environment, where it differs from the table of settings. */
  readonly defaults: FlagValues;
}

export const UP: Role = {
  name: 'up',
  kinds: ['realtime', 'scheduled'],
  governs: true,
  answersQueries: true,
  needs: [],
  defaults: {},
};

/** Of every service (contract 1): containers beside it, bots from MongoDB, and orchestrators that look after it. */
const SERVICE: FlagValues = {
  engine: 'docker',
  'mongo-uri': 'mongodb://localhost:27017',
  'log-format': 'json',
  // Whoever checks its health, or asks a query, is on another machine or in another container.
  host: '0.0.0.0',
  'health-port': '8080',
};

export const BOT_RUNNER: Role = {
  name: 'bot-runner',
  kinds: ['realtime'],
  governs: true,
  answersQueries: false,
  needs: ['object-store'],
  // What the Go runtime left running goes on (docs/switch-over.md).
  defaults: { ...SERVICE, 'take-over': 'go' },
};

export const BOT_SCHEDULER: Role = {
  name: 'bot-scheduler',
  kinds: ['scheduled'],
  governs: true,
  answersQueries: false,
  needs: ['object-store', 'nats'],
  // Contract 1.3: its `--check-interval`.
  defaults: { ...SERVICE, 'take-over': 'go', 'reconcile-interval': '10s' },
};

/** No health server of its own: `/health` is beside the queries (contract 8.1). */
export const QUERY_SERVER: Role = {
  name: 'query-server',
  kinds: ['realtime', 'scheduled'],
  governs: false,
  answersQueries: true,
  needs: ['object-store'],
  defaults: { ...SERVICE, 'take-over': 'go', 'health-port': '' },
};
