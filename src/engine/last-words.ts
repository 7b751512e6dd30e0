import type { LastWords, LastWordsCode } from '../../actors/observation.ts';
import { isJsonObject, parseJsonObject } from './json-object.ts';

/** Longest line taken for an agent's last words. Bytes, about. */
export const LAST_WORDS_BYTES = 16 * 1024;
const MOST_FACTS = 16;
const LONGEST_FACT = 2_000;

/** Every code, so that the compiler finds a missing one here when a code is added. */
const CODES: Readonly<Record<LastWordsCode, true>> = {
  'bot-exited': true,
  'bot-import-failed': true,
  'entrypoint-missing': true,
  'code-unavailable': true,
  'code-missing': true,
  'code-archive-bad': true,
  'code-too-large': true,
  'store-denied': true,
  'store-unreachable': true,
  'state-unreadable': true,
  'state-superseded': true,
  'program-missing': true,
  stopped: true,
  'killed-after-grace': true,
  'environment-incomplete': true,
};

/**
 * The agent's last words in the last line of `text`, or null when that line is none. The line was written inside the
 * container, where the bot can write too: it is checked and cut to size, and good for a message to people only (design 6).
 */
export function parseLastWords(text: string): LastWords | null {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{') || line.length > LAST_WORDS_BYTES) return null;
  const parsed = parseJsonObject(line);
  if (parsed === null || parsed['the0'] !== 1) return null;
  const { code, facts } = parsed;
  if (typeof code !== 'string' || !isCode(code)) return null;
  return { the0: 1, code, facts: isJsonObject(facts) ? plainFacts(facts) : {} };
}

/** The lines a program has written, apart from its agent's last words, which stand among the last of them. */
export function splitLastWords(text: string): { readonly text: string; readonly lastWords: LastWords | null } {
  const lines = text.trimEnd().split('\n');
  // What the program wrote to stdout may have been logged after it.
  for (let at = lines.length - 1; at >= Math.max(0, lines.length - LINES_AFTER); at -= 1) {
    const lastWords = parseLastWords(lines[at] ?? '');
    if (lastWords !== null) return { text: lines.toSpliced(at, 1).join('\n'), lastWords };
  }
  return { text, lastWords: null };
}

const LINES_AFTER = 50;

function isCode(code: string): code is LastWordsCode {
  return Object.hasOwn(CODES, code);
}

function plainFacts(facts: Record<string, unknown>): LastWords['facts'] {
  const plain: Record<string, string | number | boolean> = {};
  for (const [name, fact] of Object.entries(facts).slice(0, MOST_FACTS)) {
    if (typeof fact === 'string') plain[name] = fact.slice(0, LONGEST_FACT);
    else if (typeof fact === 'boolean' || (typeof fact === 'number' && Number.isFinite(fact))) plain[name] = fact;
  }
  return plain;
}
