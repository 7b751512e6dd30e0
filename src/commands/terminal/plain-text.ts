import { stripVTControlCharacters } from 'node:util';

// Everything that moves a cursor, hides text or turns its direction: C0 (but for tab and newline), DEL, C1, bidirectional
// controls. Bots choose ids and write logs; none of it may act on the terminal of the person who looks.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/g;

/** Text of unknown origin, made harmless: no escape sequences, no control characters. Tabs and newlines stay. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, '');
}

/** The same on one line, for a table or a sentence. */
export function plainLine(text: string): string {
  return plainText(text.replace(/\s+/g, ' ')).trim();
}

/** JSON for people and scripts: what a terminal might act on is escaped, so that it is still the same JSON. */
export function plainJson(value: unknown): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return (JSON.stringify(value, null, 2) ?? 'null').replace(CONTROLS, escaped);
}
