import type { ReasonFacts, ReasonKind } from './reason-kind.ts';
import { aside, detail, fact, quoted } from './reason-wording.ts';

/** Reasons that no retry can mend: only a change of the bot, of the host, or a word of the operator. */
export const BLOCK_REASONS = {
  'runtime-unknown': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: (facts) => `The runtime${quoted(facts, 'runtime')} is not one that bots can be written for.`,
    advice: (facts) => `Name one of these as the bot's runtime: ${fact(facts, 'known', 'see the documentation')}.`,
  },
  'entrypoint-undefined': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: () => 'The bot names no entry point, so there is nothing to run.',
    advice: () => 'Set `custom.config.entrypoints.bot` to the file to run.',
  },
  'spec-unreadable': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: (facts) => `The bot's definition cannot be read${where(facts)}${detail(facts) || '.'}`,
    advice: () => 'Correct the file or its permissions; a change is taken up at once.',
  },
  'spec-invalid': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: (facts) => `The bot's definition is not valid${where(facts)}${field(facts)}${detail(facts) || '.'}`,
    advice: (facts) =>
      `${facts['similar'] === undefined ? 'Correct it' : `Did you mean${quoted(facts, 'similar')}? Correct its name`}; a change is taken up at once.`,
  },
  'spec-duplicate': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: (facts) => `Another bot has the same id${where(facts, 'other')}, and that one came first.`,
    advice: () => 'Give each bot an id of its own.',
  },
  'spec-newer-format': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: (facts) =>
      `The bot's definition has a format${quoted(facts, 'format')} that this version of the runtime does not know.`,
    advice: () => 'Upgrade the runtime, or write the definition in an older format.',
  },
  'code-unreadable': {
    severity: 'error',
    origin: 'bot',
    retry: 'blocked',
    sentence: (facts) =>
      `The bot's code cannot be ${isOfHost(facts) ? 'copied into the data directory' : 'read'}${where(facts)}${detail(facts) || '.'}`,
    advice: (facts) =>
      isOfHost(facts)
        ? HOST_ADVICE[facts['fault']]
        : 'Correct the files or their permissions; a change is taken up at once.',
  },
  'program-missing': {
    severity: 'error',
    origin: 'platform',
    retry: 'blocked',
    sentence: (facts) =>
      `This host has no${quoted(facts, 'program') || ' interpreter'} to run ${fact(facts, 'runtime', 'this kind of')} bots with${aside(facts)}.`,
    advice: () => 'Install it, then `reset` the bot; or run bots in containers with `--engine docker`.',
  },
  'actor-failed': {
    severity: 'error',
    origin: 'platform',
    retry: 'blocked',
    sentence: (facts) => `The runtime's own handling of this bot failed${detail(facts) || '.'}`,
    advice: (facts) =>
      facts['exhausted'] === true
        ? 'This is a defect of the runtime: please report it. The bot is left as it is until `reset` or a change of it.'
        : 'This is a defect of the runtime: please report it. The bot is looked at again and handled as before.',
  },
} as const satisfies Record<string, ReasonKind>;

/** What is wrong with the host and not with the bot: nothing about the bot needs a change. */
const HOST_ADVICE = {
  'disk-full': 'Make room on the disk of the data directory; it is tried again by itself.',
  'open-files': 'Let the runtime have more open files (`ulimit -n`); it is tried again by itself.',
  'data-directory': 'See to the data directory; it is tried again by itself.',
} as const;

function isOfHost(facts: ReasonFacts): facts is ReasonFacts & { readonly fault: keyof typeof HOST_ADVICE } {
  const { fault } = facts;
  return typeof fault === 'string' && Object.hasOwn(HOST_ADVICE, fault);
}

/** ` in "bots/a/bot.json"`, or nothing. */
function where(facts: ReasonFacts, key = 'path'): string {
  const path = quoted(facts, key);
  return path === '' ? '' : ` in${path}`;
}

/** `: "custom.version" must be a string`, or nothing. */
function field(facts: ReasonFacts): string {
  const name = quoted(facts, 'field');
  if (name === '') return '';
  return `:${name} must be ${fact(facts, 'expected', 'something else')}${facts['found'] === undefined ? '' : `, not ${String(facts['found'])}`}`;
}
