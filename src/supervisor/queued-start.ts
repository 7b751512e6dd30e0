import type { BotStatus } from '../../actors/effect.ts';

/**
 * Its actor has asked for the run; that it waits at the gate is known only here. So it is said where somebody looks, and
 * makes no transition: a thousand cold starts would write a thousand lines of history that tell nothing.
 */
export function asQueuedRun(status: BotStatus): BotStatus {
  if (status.nextRunAt === null) return status;
  const facts = { occurrence: status.nextRunAt / 1000 };
  return { ...status, reason: { ...status.reason, code: 'run-queued', facts } };
}

/** The same for a start that was asked for. */
export function asQueuedStart(status: BotStatus): BotStatus {
  if (status.state !== 'starting') return status;
  return { ...status, state: 'waiting', reason: { ...status.reason, code: 'start-queued', facts: {} } };
}
