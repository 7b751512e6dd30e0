import { BACKSLASH } from './json-bytes.ts';

/**
 * The text of a JSON string that was scanned and found good, given with its quotes. Invalid UTF-8 becomes U+FFFD, as with
 * Go.
 */
export function textOf(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from + 1, to - 1);
  return text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text;
}

/**
 * Whether a member's name (with its quotes) is `name`, in any case, as Go matches names. Compared in place: names are looked
 * at far more often than anything else of a message.
 *
 * @param name in lower case, letters and `_` only
 */
export function isNamed(bytes: Buffer, from: number, to: number, name: string): boolean {
  const length = to - from - 2;
  if (length < name.length) return false;
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[from + 1 + i] ?? 0;
    if (byte === BACKSLASH) return textOf(bytes, from, to).toLowerCase() === name;
    const wanted = name.charCodeAt(i);
    if (byte !== wanted && !(isLetter(byte) && (byte | 0x20) === wanted)) return false;
  }
  return length === name.length;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
