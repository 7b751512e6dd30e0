import type { BotActorState } from './bot-actor-state.ts';
import { type BotSpec, KNOWN_RUNTIMES } from './bot-spec.ts';
import { type Why, why } from './change.ts';
import { parseCron } from './cron.ts';
import type { ContainerFacts } from './observation.ts';
import { printable } from './printable.ts';

/** What is to be reached for a bot; a function of what is desired alone. */
export type Goal =
  /** One container of the desired revision runs. */
  | { readonly kind: 'run' }
  /** A run for each occurrence of a schedule. */
  | { readonly kind: 'schedule' }
  /** No container is there. */
  | { readonly kind: 'halt'; readonly to: 'stopped' | 'blocked' | 'ended'; readonly why: Why }
  /** What is there is left alone. */
  | { readonly kind: 'tolerate' };

const RUN: Goal = { kind: 'run' };
const SCHEDULE: Goal = { kind: 'schedule' };
const TOLERATE: Goal = { kind: 'tolerate' };

export function goalOf(state: BotActorState, orphanGraceMs: number): Goal {
  if (state.obstacle === 'actor-failed') return TOLERATE;
  switch (state.wish) {
    case 'none':
    case 'orphan':
      return TOLERATE;
    case 'deleted':
    case 'shut-down':
      return { kind: 'halt', to: 'ended', why: why(state.wish) };
    case 'not-desired':
      return { kind: 'halt', to: 'ended', why: why(state.wish, { graceMs: orphanGraceMs }) };
    case 'desired':
      return state.spec === null ? TOLERATE : goalOfSpec(state.spec);
  }
}

function goalOfSpec(spec: BotSpec): Goal {
  const { keptElsewhere: detail } = spec;
  if (detail !== undefined) return { kind: 'halt', to: 'stopped', why: why('kept-elsewhere', { detail }) };
  if (spec.problem !== null) return blocked(why(spec.problem.code, spec.problem.facts));
  if (!spec.enabled) return { kind: 'halt', to: 'stopped', why: why('disabled') };
  if (!KNOWN_RUNTIMES.includes(spec.runtime)) {
    return blocked(why('runtime-unknown', { runtime: spec.runtime, known: KNOWN_RUNTIMES.join(', ') }));
  }
  if (spec.entrypoint === '') return blocked(why('entrypoint-undefined'));
  return spec.kind === 'realtime' ? RUN : goalOfSchedule(spec.schedule);
}

function goalOfSchedule(schedule: string | null): Goal {
  if (schedule === null) return blocked(why('schedule-missing'));
  const cron = parseCron(schedule);
  if (cron.kind !== 'problem') return SCHEDULE;
  return blocked(why('schedule-invalid', { schedule: printable(schedule), detail: printable(cron.detail) }));
}

/** Also when all that is known of the bot is a run of it. */
export function isScheduled({ spec, seen }: BotActorState): boolean {
  return spec === null ? seen?.occurrence !== undefined : spec.kind === 'scheduled';
}

/** Is something to be started, sooner or later? */
export function isToRun(goal: Goal): boolean {
  return goal.kind === 'run' || goal.kind === 'schedule';
}

function blocked(reason: Why): Goal {
  return { kind: 'halt', to: 'blocked', why: reason };
}

/** May this container go on, or be started again, as it is? */
export function isWanted(state: BotActorState, container: ContainerFacts): boolean {
  // A run of when the bot was a scheduled one is no bot that runs for ever.
  if (container.occurrence !== undefined) return false;
  return state.renew === null && container.specRevision === state.spec?.specRevision;
}
