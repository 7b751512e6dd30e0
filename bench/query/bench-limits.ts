import type { QueryLimits } from '../../src/query/query-front-end.ts';

/** The defaults of the runtime. */
export const benchLimits: QueryLimits = {
  requestBytes: 1024 ** 2,
  answerBytes: 16 * 1024 ** 2,
  heldBytes: 256 * 1024 ** 2,
  inFlightPerBot: 32,
  inFlightTotal: 4096,
  defaultTimeoutMs: 30_000,
  maxTimeoutMs: 300_000,
  connectPatienceMs: 10_000,
  connectRetryMs: 25,
  stalledReaderMs: 10_000,
  idleConnections: 2048,
  idleConnectionMs: 4000,
  asksInFlight: 256,
  askDeadlineMs: 2000,
  runAsksPerBot: 512,
};
