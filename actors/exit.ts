import { type Why, why } from './change.ts';
import { signalOfExitCode } from './exit-code.ts';
import type { ExitFacts, LastWords } from './observation.ts';
import { printable } from './printable.ts';
import type { ReasonFacts } from './reason.ts';

/**
 * Why a bot ended that nobody asked to end: from the agent's last words where there are any, else from what the engine saw.
 * @param ranMs how long it had run; null when that is not known
 */
export function causeOfExit(exit: ExitFacts | null, ranMs: number | null): Why {
  const ran: ReasonFacts = ranMs === null ? {} : { afterMs: ranMs };
  if (exit === null) return why('exit-unknown', ran);
  if (exit.outOfMemory) return why('bot-out-of-memory', ran);
  if (exit.lastWords !== null) return withNotStored(exit.lastWords, causeInLastWords(exit.lastWords, exit, ran));
  return causeOfStatus(exit.code, exit.signal, ran);
}

/** However it ended: what it left may not all have reached the store. */
function withNotStored({ facts }: LastWords, cause: Why): Why {
  return { ...cause, facts: { ...cause.facts, ...only(facts, 'notStored') } };
}

function causeInLastWords({ code, facts }: LastWords, exit: ExitFacts, ran: ReasonFacts): Why {
  switch (code) {
    case 'bot-exited': {
      const exitCode = facts['exitCode'];
      const signal = facts['signal'];
      return causeOfStatus(
        typeof exitCode === 'number' ? exitCode : typeof signal === 'string' ? null : exit.code,
        typeof signal === 'string' ? signal : exit.signal,
        { ...ran, ...only(facts, 'detail') },
      );
    }
    case 'bot-import-failed':
      return why('bot-import-failed', only(facts, 'detail'));
    case 'entrypoint-missing':
      return why('entrypoint-missing', only(facts, 'path'));
    case 'code-unavailable':
      return why('code-unavailable', only(facts, 'detail'));
    case 'code-missing':
      return why('code-missing', only(facts, 'path'));
    case 'code-archive-bad':
    case 'code-too-large':
    case 'store-denied':
      return why(code, { ...only(facts, 'path'), ...only(facts, 'detail') });
    case 'store-unreachable':
      return why('store-unreachable', only(facts, 'detail'));
    case 'state-unreadable':
      return why('state-unreadable', only(facts, 'detail'));
    case 'state-superseded':
      return why('state-superseded', ran);
    case 'program-missing':
      return why('interpreter-missing', only(facts, 'program'));
    case 'environment-incomplete':
      return why('environment-incomplete', only(facts, 'variable'));
    case 'stopped':
    case 'killed-after-grace':
      return why('container-stopped', ran);
  }
}

function causeOfStatus(code: number | null, signal: string | null, facts: ReasonFacts): Why {
  const name = signal ?? (code === null ? undefined : signalOfExitCode(code));
  if (name !== undefined) return why('bot-killed', { ...facts, signal: printable(name) });
  if (code === null) return why('exit-unknown', facts);
  return code === 0 ? why('bot-exited', facts) : why('bot-crashed', { ...facts, exitCode: code });
}

/** The one fact a sentence uses, as text and cut: the rest of what a container says is not kept. */
function only(facts: ReasonFacts, key: string): ReasonFacts {
  const value = facts[key];
  return value === undefined ? {} : { [key]: printable(String(value)) };
}
