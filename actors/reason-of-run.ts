import { noAdvice, type ReasonFacts, type ReasonKind } from './reason-kind.ts';
import { FAILURE_REASONS } from './reason-of-failure.ts';
import { after, aside, detail, duration, quoted } from './reason-wording.ts';

const AUTO = { severity: 'info', origin: 'platform', retry: 'auto' } as const;

/** Reasons of scheduled bots. Facts `occurrence` and `next` are Unix seconds. */
export const RUN_REASONS = {
  'next-run': {
    ...AUTO,
    sentence: (facts) => `The next run is ${at(facts, 'next') || 'not known yet'}.`,
    advice: noAdvice,
  },
  'schedule-never': {
    severity: 'warning',
    origin: 'bot',
    retry: 'none',
    sentence: () => "The bot's schedule names no time within the next five years, so it does not run.",
    advice: () => 'Correct `config.schedule`; February 30 is a usual cause.',
  },
  'schedule-missing': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: () => 'The bot is a scheduled one and has no schedule, so it is not known when to run it.',
    advice: () => 'Set `config.schedule` to a cron expression such as `*/5 * * * *`.',
  },
  'schedule-invalid': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: (facts) => `The bot's schedule${quoted(facts, 'schedule')} cannot be read${clause(facts)}.`,
    advice: () =>
      'Correct `config.schedule`: minute, hour, day of the month, month, day of the week (Sunday is 0), or `@daily`, `@every 90s`.',
  },
  'run-queued': {
    ...AUTO,
    sentence: (facts) =>
      `The run due${onDay(facts)} waits for its turn, because as many bots run as may at the same time.`,
    advice: () => 'Nothing needs doing; `--scheduled-runs` says how many run at the same time.',
  },
  'run-due': {
    ...AUTO,
    sentence: (facts) => `The run due${onDay(facts)} is being started${late(facts)}.`,
    advice: noAdvice,
  },
  'run-asked-for': {
    ...AUTO,
    origin: 'operator',
    sentence: () => 'Somebody asked for a run besides the schedule, so it is being started.',
    advice: noAdvice,
  },
  'run-started': {
    ...AUTO,
    sentence: (facts) =>
      `The run due${onDay(facts)} was started${typeof facts['tookMs'] === 'number' ? ` in ${duration(facts['tookMs'])}` : ''}.`,
    advice: noAdvice,
  },
  'run-adopted': {
    ...AUTO,
    sentence: (facts) => `The run due${onDay(facts)} was under way already and was left untouched.`,
    advice: noAdvice,
  },
  'run-goes-on': {
    ...AUTO,
    sentence: () => 'The bot is not to run any more, but a run of it is under way and goes on to its end.',
    advice: noAdvice,
  },
  'run-finished': {
    ...AUTO,
    sentence: (facts) => `The run due${onDay(facts)} ended with code 0${after(facts)}.${then(facts)}`,
    advice: noAdvice,
  },
  'run-failed': {
    severity: 'error',
    origin: 'bot',
    retry: 'none',
    sentence: (facts) => `The run due${onDay(facts)} failed. ${causeOf(facts)}${then(facts)}`,
    advice: () =>
      'It is not repeated; the next run is the next one of the schedule, or `restart` the bot to run it now.',
  },
  'run-ended': {
    severity: 'warning',
    origin: 'platform',
    retry: 'none',
    sentence: (facts) => `The run due${onDay(facts)} was ended by the runtime${after(facts)}.${then(facts)}`,
    advice: noAdvice,
  },
  'run-too-long': {
    severity: 'warning',
    origin: 'bot',
    retry: 'none',
    sentence: (facts) => `The run lasted longer than a run may${limit(facts)}, so it is being ended.`,
    advice: () => 'Let it do less, or raise `--longest-run`.',
  },
  'run-vanished': {
    severity: 'error',
    origin: 'platform',
    retry: 'none',
    sentence: (facts) =>
      `The container of the run due${onDay(facts)} was removed from outside the runtime, so it is not known how it ended.${then(facts)}`,
    advice: () => 'A run that had begun is not begun again; `restart` the bot to run it now.',
  },
  'run-end-unseen': {
    severity: 'error',
    origin: 'platform',
    retry: 'none',
    sentence: (facts) =>
      `The run due${onDay(facts)} ended while no runtime was there to see it, so it is not known how.${then(facts)}`,
    advice: () => 'A run that had begun is not begun again; `restart` the bot to run it now.',
  },
  'run-missed': {
    severity: 'warning',
    origin: 'platform',
    retry: 'none',
    sentence: (facts) =>
      `The run due${onDay(facts)} was missed${by(facts)}${facts['byDowntime'] === true ? ' because the runtime was down' : ''}.${then(facts)}`,
    advice: () => 'It is not made up for; `restart` the bot to run it now.',
  },
  'run-elsewhere': {
    severity: 'warning',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The run due${onDay(facts)} was taken by another runtime, and its end is not recorded yet.`,
    advice: () => 'Runs of one bot never overlap. If that runtime is gone for good, remove and add the bot.',
  },
  'ledger-unavailable': {
    severity: 'error',
    origin: 'dependency',
    retry: 'auto',
    sentence: (facts) => `The record of runs cannot be read or written${aside(facts)}, so no run is started.`,
    advice: () => 'What runs goes on, and what is due meanwhile is run once when the record can be written again.',
  },
} as const satisfies Record<string, ReasonKind>;

/** `at 2026-03-14 15:10:00 UTC`, or nothing. */
function at(facts: ReasonFacts, key: string): string {
  const seconds = facts[key];
  if (typeof seconds !== 'number' || !(Math.abs(seconds) < 8.64e12)) return '';
  return `at ${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function onDay(facts: ReasonFacts): string {
  const when = at(facts, 'occurrence');
  return when === '' ? '' : ` ${when}`;
}

function then(facts: ReasonFacts): string {
  const when = at(facts, 'next');
  return when === '' ? '' : ` The next run is ${when}.`;
}

/** What counts as on time is not worth a word. */
const PUNCTUAL_MS = 5_000;

function late(facts: ReasonFacts): string {
  const lateMs = facts['lateMs'];
  if (typeof lateMs !== 'number' || lateMs < PUNCTUAL_MS) return '';
  const why = facts['byDowntime'] === true ? ', because the runtime was down' : '';
  return `, ${duration(lateMs)} late${why}; what else was due by now is made up for by it`;
}

function by(facts: ReasonFacts): string {
  const lateMs = facts['lateMs'];
  return typeof lateMs === 'number' ? ` by ${duration(lateMs)}` : '';
}

function limit(facts: ReasonFacts): string {
  const limitMs = facts['limitMs'];
  return typeof limitMs === 'number' ? ` (${duration(limitMs)})` : '';
}

function clause(facts: ReasonFacts): string {
  const text = facts['detail'];
  return typeof text === 'string' && text !== '' ? `: ${text}` : '';
}

/** In the words for a realtime bot that ended in the same way. */
function causeOf(facts: ReasonFacts): string {
  const cause = facts['cause'];
  return typeof cause === 'string' && isFailure(cause)
    ? FAILURE_REASONS[cause].sentence(facts)
    : `It ended${after(facts)}${detail(facts) || '.'}`;
}

function isFailure(code: string): code is keyof typeof FAILURE_REASONS {
  return Object.hasOwn(FAILURE_REASONS, code);
}
