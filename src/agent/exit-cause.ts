import type { LastWords } from '../../actors/observation.ts';
import type { ProcessExit } from './process-group.ts';
import type { SecretMask } from './secret-mask.ts';

const TAIL_BYTES = 8 * 1024;
const DETAIL_CHARACTERS = 200;

/** How a wrapper says that it could not get as far as calling the bot (contract 6.6). */
const WRAPPER_ERROR = /^(?:IMPORT|CONFIG|CHDIR)_ERROR:/;

/** The end of what the bot wrote to stderr, where it most likely says why it died. */
export class StderrTail {
  #tail: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    // A copy, at most TAIL_BYTES long: a slice would keep the whole chunk in memory.
    this.#tail = Buffer.from(
      Buffer.concat([this.#tail.subarray(chunk.length - TAIL_BYTES), chunk]).subarray(-TAIL_BYTES),
    );
  }

  lines(): string[] {
    return this.#tail.toString('utf8').split(/\r?\n/);
  }
}

/**
 * Last words for a bot that ended by itself.
 * @param ownError what the bot itself gave as its error, if it did
 */
export function causeOfExit(
  exit: ProcessExit,
  stderr: readonly string[],
  ownError: string | undefined,
  mask: SecretMask,
): LastWords {
  const failed = exit.kind === 'code' && exit.code !== 0;
  const wrapperError = failed ? stderr.findLast((line) => WRAPPER_ERROR.test(line)) : undefined;
  const text = wrapperError ?? (failed && !repeatsTheCode(ownError) ? ownError : undefined) ?? lastWordsIn(stderr);
  // Masked before it is cut: half a secret would not be found any more.
  const detail =
    text === undefined ? {} : { detail: mask(text).trim().replace(/\s+/g, ' ').slice(0, DETAIL_CHARACTERS) };
  const end = exit.kind === 'code' ? { exitCode: exit.code } : { signal: exit.signal };
  return {
    the0: 1,
    code: wrapperError === undefined ? 'bot-exited' : 'bot-import-failed',
    facts: { ...end, ...detail },
  };
}

/** The wrappers write this result for a bot that gave none; it says no more than the exit code does. */
function repeatsTheCode(ownError: string | undefined): boolean {
  return ownError !== undefined && /^Bot exited with code \d+$/.test(ownError);
}

/** What the last line says; of a line of JSON, as the SDKs log it, only its message. */
function lastWordsIn(lines: readonly string[]): string | undefined {
  const line = lastMeaningfulLine(lines);
  if (line?.startsWith('{') !== true) return line;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null || !('message' in entry)) return line;
    return typeof entry.message === 'string' && entry.message !== '' ? entry.message : line;
  } catch {
    return line;
  }
}

/** Not a stack frame, not a caret under source text, not what interpreters add below an error. */
export function lastMeaningfulLine(lines: readonly string[]): string | undefined {
  return lines.findLast(
    (line) =>
      /[\p{L}\p{N}]/u.test(line) &&
      !/^\s/.test(line) &&
      !/^Node\.js v\d/.test(line) &&
      !/^note: run with `RUST_BACKTRACE/.test(line),
  );
}
