import type { ReasonKind } from './reason-kind.ts';
import { after, aside, detail, fact, quoted } from './reason-wording.ts';

const RETRIED = 'it is retried in the meantime.';

/** Why a bot does not run although it should: what ended it, or what kept it from starting. All are retried with a backoff. */
export const FAILURE_REASONS = {
  'bot-crashed': {
    severity: 'error',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) => {
      const code = facts['exitCode'];
      const how = typeof code === 'number' ? `exited with code ${code}` : 'crashed';
      return `The bot ${how}${after(facts)}${detail(facts) || '.'}`;
    },
    advice: () => `Fix the bot's code; ${RETRIED}`,
  },
  'bot-exited': {
    severity: 'warning',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) => `The bot ended by itself with code 0${after(facts)}${detail(facts) || '.'}`,
    advice: () => 'A realtime bot should run until it is stopped; it is started again like after a crash.',
  },
  'bot-killed': {
    severity: 'error',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) =>
      `The bot was ended by ${fact(facts, 'signal', 'a signal')}${after(facts)}, which the runtime did not send${detail(facts) || '.'}`,
    advice: () => 'Somebody or something on the host killed it, or it crashed in native code. It is started again.',
  },
  'bot-out-of-memory': {
    severity: 'error',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) => `The bot used more memory than it may and was killed${after(facts)}.`,
    advice: () => `Let the bot use less memory, or raise the limit; ${RETRIED}`,
  },
  'bot-import-failed': {
    severity: 'error',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) => `The bot's code could not be loaded${detail(facts) || '.'}`,
    advice: () =>
      'Correct the error, or install what is missing where the bot runs; a change of the code is tried at once.',
  },
  'exit-unknown': {
    severity: 'error',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The bot ended${after(facts)}, and the engine does not know how.`,
    advice: () => "Look at the bot's log; it is started again.",
  },
  'entrypoint-missing': {
    severity: 'error',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) => `The entry point${quoted(facts, 'path')} is not in the bot's code.`,
    advice: () => 'Correct the entry point or add the file; a change is tried at once.',
  },
  'code-unavailable': {
    severity: 'error',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The bot's code could not be fetched or unpacked${detail(facts) || '.'}`,
    advice: () => 'Check that the code is where the bot says and is a sound archive; a change is tried at once.',
  },
  'code-missing': {
    severity: 'error',
    origin: 'operator',
    retry: 'auto',
    sentence: (facts) => `The bot's code${quoted(facts, 'path')} is not in the object store.`,
    advice: () => 'Deploy it again, or correct `custom.filePath`.',
  },
  'code-archive-bad': {
    severity: 'error',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) => `The archive of the bot's code${quoted(facts, 'path')} cannot be used${detail(facts) || '.'}`,
    advice: () => 'Make the archive anew (the `deploy` command makes sound ones) and deploy it as a new version.',
  },
  'code-too-large': {
    severity: 'error',
    origin: 'bot',
    retry: 'auto',
    sentence: (facts) => `The bot's code${quoted(facts, 'path')} is larger than it may be${detail(facts) || '.'}`,
    advice: () =>
      'Leave data out of the archive, or raise the limit (`--code-size`, `--code-files`, `--agent-code-file`).',
  },
  'store-denied': {
    severity: 'error',
    origin: 'dependency',
    retry: 'auto',
    sentence: (facts) =>
      `The object store does not let the bot read${quoted(facts, 'path') || ' its data'}${detail(facts) || '.'}`,
    advice: () => "Check the store's credentials and what they may read.",
  },
  'store-unreachable': {
    severity: 'error',
    origin: 'dependency',
    retry: 'auto',
    sentence: (facts) => `The object store did not answer, so the bot was not started${detail(facts) || '.'}`,
    advice: () => 'Start the store, or correct its address; the bot is tried again.',
  },
  'state-unreadable': {
    severity: 'error',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) =>
      `The bot's saved state exists but cannot be read, so the bot was not started${detail(facts) || '.'}`,
    advice: () => 'The state is left as it is. Make it readable, or move it away to start without it.',
  },
  'state-superseded': {
    severity: 'error',
    origin: 'operator',
    retry: 'auto',
    sentence: (facts) => `The bot ended${after(facts)}, because a later start of it has stored its state.`,
    advice: () => 'Another runtime, or a container made by hand, runs the same bot on the same store: end one of them.',
  },
  'interpreter-missing': {
    severity: 'error',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The container has no${quoted(facts, 'program') || ' interpreter'} to run this bot with.`,
    advice: () => "Use an image that has the bot's runtime; the slim one holds only Python and Node.",
  },
  'environment-incomplete': {
    severity: 'error',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The bot's agent was started without${quoted(facts, 'variable') || ' a setting it needs'}.`,
    advice: () => 'The container was made by hand or by another version of the runtime; `restart` renews it.',
  },
  'container-stopped': {
    severity: 'warning',
    origin: 'operator',
    retry: 'auto',
    sentence: (facts) => `The bot was stopped from outside the runtime${after(facts)}.`,
    advice: () => 'It is enabled, so it is started again. To keep it stopped, disable it.',
  },
  'container-removed': {
    severity: 'warning',
    origin: 'operator',
    retry: 'auto',
    sentence: (facts) => `The bot's container was removed from outside the runtime${after(facts)}.`,
    advice: () => 'It is enabled, so it gets a new one. To keep it away, disable it.',
  },
  'start-failed': {
    severity: 'error',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The engine accepted the start, but the bot does not run${aside(facts)}.`,
    advice: () => "Look at the bot's log and at what the engine says; it is retried.",
  },
  'start-timed-out': {
    severity: 'error',
    origin: 'platform',
    retry: 'auto',
    sentence: (facts) => `The start was not confirmed${after(facts)}, and no container is there.`,
    advice: () => 'The engine may be overloaded; the start is retried.',
  },
  'name-taken': {
    severity: 'error',
    origin: 'operator',
    retry: 'auto',
    sentence: (facts) =>
      `Another container${quoted(facts, 'containerId')} has this bot's name${aside(facts, 'owner')}.`,
    advice: () => 'Remove or rename that container; the bot is retried.',
  },
  'engine-rejected': {
    severity: 'error',
    origin: 'dependency',
    retry: 'auto',
    sentence: (facts) =>
      `The engine refused to ${fact(facts, 'effect', 'act')}${facts['effect'] === undefined ? ' on' : ''} the bot${detail(facts) || '.'}`,
    advice: () => 'The cause is in what the engine said; it is tried again.',
  },
} as const satisfies Record<string, ReasonKind>;
