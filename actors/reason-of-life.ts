import { noAdvice, type ReasonKind } from './reason-kind.ts';
import { after, aside, duration, fact } from './reason-wording.ts';

/** Reasons of the ordinary course of things: waiting, starting, running, stopping. */
export const LIFE_REASONS = {
  'not-yet-observed': {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: () => 'The engine has not said yet whether this bot runs.',
    advice: () =>
      'Nothing is done to the bot until the engine was asked; if this lasts, check that the engine answers.',
  },
  'first-start': {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: () => 'The bot should run and does not yet, so it is being started.',
    advice: noAdvice,
  },
  'start-queued': {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: () => 'The bot is to be started and waits for its turn, because others are being started.',
    advice: () => 'Nothing needs doing; `--start-concurrency` says how many start at the same time.',
  },
  'restart-after-crash': {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => {
      const crashes = facts['attempt'];
      const count = typeof crashes === 'number' && crashes > 1 ? ` (${crashes} failures in a row)` : '';
      return `The bot is being started again after a failure${count}.`;
    },
    advice: noAdvice,
  },
  'spec-changed': {
    severity: 'info',
    origin: 'operator',
    retry: 'auto',
    sentence: () =>
      "The bot's config, code, runtime or entry points changed, so it is being replaced by the new version.",
    advice: noAdvice,
  },
  enabled: {
    severity: 'info',
    origin: 'operator',
    retry: 'auto',
    sentence: () => 'The bot was enabled and is being started.',
    advice: noAdvice,
  },
  'operator-restart': {
    severity: 'info',
    origin: 'operator',
    retry: 'auto',
    sentence: () => 'Somebody asked for a restart, so the bot is stopped and started anew.',
    advice: noAdvice,
  },
  'operator-reset': {
    severity: 'info',
    origin: 'operator',
    retry: 'auto',
    sentence: () => 'Somebody asked for a reset: what had failed before is forgotten, and the bot is being started.',
    advice: noAdvice,
  },
  'keys-renewed': {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: () =>
      "The bot's keys to the object store end soon, and a container cannot be given others, so it is started anew.",
    advice: noAdvice,
  },
  'unfinished-start': {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: () =>
      'A container that was made but never started was left over; it is removed before the bot is started.',
    advice: noAdvice,
  },
  started: {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) =>
      `The bot was started${typeof facts['tookMs'] === 'number' ? ` in ${duration(facts['tookMs'])}` : ''}.`,
    advice: noAdvice,
  },
  adopted: {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: () => 'The bot was already running as it should and was left untouched.',
    advice: noAdvice,
  },
  'started-by-hand': {
    severity: 'info',
    origin: 'operator',
    retry: 'auto',
    sentence: () => "The bot's container was started from outside the runtime and is kept running.",
    advice: noAdvice,
  },
  'seen-running': {
    severity: 'info',
    origin: 'platform',
    retry: 'none',
    sentence: () => 'The bot was seen running; this process only watches it.',
    advice: noAdvice,
  },
  'seen-not-running': {
    severity: 'info',
    origin: 'platform',
    retry: 'none',
    sentence: () => 'The bot does not run; this process only watches it, and another one starts it.',
    advice: () => 'Look at the process that runs the bots for why it does not.',
  },
  'container-paused': {
    severity: 'warning',
    origin: 'operator',
    retry: 'none',
    sentence: () => "The bot's container was paused from outside the runtime, so the bot does nothing.",
    advice: (facts) =>
      `Let it go on with \`docker unpause ${shortId(facts['containerId'])}\`, or replace it with \`restart\`.`,
  },
  'container-unpaused': {
    severity: 'info',
    origin: 'operator',
    retry: 'auto',
    sentence: () => "The bot's container is not paused any more, and the bot goes on where it was.",
    advice: noAdvice,
  },
  disabled: {
    severity: 'info',
    origin: 'operator',
    retry: 'none',
    sentence: () => 'The bot is disabled, so it does not run.',
    advice: () => 'Enable it to run it again.',
  },
  deleted: {
    severity: 'info',
    origin: 'operator',
    retry: 'none',
    sentence: () => 'The bot was deleted, so what runs of it is ended and removed.',
    advice: noAdvice,
  },
  'shut-down': {
    severity: 'info',
    origin: 'operator',
    retry: 'none',
    sentence: () => 'The runtime was asked to stop all bots.',
    advice: () => 'It runs again when the runtime is started again.',
  },
  'not-desired': {
    severity: 'warning',
    origin: 'platform',
    retry: 'none',
    sentence: (facts) => `Nobody wanted this container${after(facts, 'graceMs')} of grace, so it is ended and removed.`,
    advice: noAdvice,
  },
  'not-desired-yet': {
    severity: 'warning',
    origin: 'platform',
    retry: 'none',
    sentence: (facts) => {
      const grace = facts['graceMs'];
      const when = typeof grace === 'number' ? `in ${duration(grace)}` : 'after a grace';
      return `A container of this bot was found, but there is no such bot any more; it is removed ${when}.`;
    },
    advice: () => 'To keep it, put the bot back into the folder of bots before that.',
  },
  'ignored-sigterm': {
    severity: 'warning',
    origin: 'bot',
    retry: 'none',
    sentence: (facts) => `The bot was asked to stop, was still running${after(facts, 'graceMs')}, and was killed.`,
    advice: () => 'Let the bot end itself on SIGTERM; what it had not saved by then is lost.',
  },
  'stop-not-seen': {
    severity: 'warning',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The bot was asked to stop and still runs${after(facts)}; it is asked again.`,
    advice: () => 'If this repeats, look at what the engine says about the container.',
  },
  'engine-unreachable': {
    severity: 'error',
    origin: 'dependency',
    retry: 'auto',
    sentence: (facts) => `The engine that runs the bots cannot be reached${aside(facts)}.`,
    advice: () =>
      'Start the engine, or correct its address. What runs is left alone, and this bot goes on when the engine answers.',
  },
  'keys-unavailable': {
    severity: 'error',
    origin: 'dependency',
    retry: 'auto',
    sentence: (facts) => `The object store gives no keys for this bot now${aside(facts)}, so it is not started.`,
    advice: () => 'Start the object store, or correct its address; the bot starts when it answers.',
  },
  'standing-by': {
    severity: 'info',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) =>
      `This runtime stands by: ${fact(facts, 'detail', 'another one keeps this bot').replace(/\.$/, '')}.`,
    advice: () =>
      'This one watches the bot, and acts as soon as it may; unless that says otherwise, nothing needs doing.',
  },
  'kept-elsewhere': {
    severity: 'warning',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) =>
      `Nothing of this bot may run on this engine: ${fact(facts, 'detail', 'another runtime keeps it on another engine').replace(/\.$/, '')}.`,
    advice: () => 'A second copy that was found here was told to end; unless that says otherwise, nothing needs doing.',
  },
  'image-missing': {
    severity: 'error',
    origin: 'dependency',
    retry: 'auto',
    sentence: (facts) => `The image ${fact(facts, 'image', 'of the runtime')} is missing on the engine${aside(facts)}.`,
    advice: () =>
      'Build `the0-runtime:local` with `npm run image -- --target slim` (Python and Node bots), or name another image (`RUNTIME_IMAGE`); the bot starts when the image is there.',
  },
} as const satisfies Record<string, ReasonKind>;

/** As many characters as `docker ps` shows. */
function shortId(containerId: unknown): string {
  return typeof containerId === 'string' ? containerId.slice(0, 12) : '<container>';
}
