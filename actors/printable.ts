/** Text from outside is cut to this many characters. */
const LONGEST_DETAIL = 300;

/** One line, cut: text of unknown origin, as a fact. */
export function printable(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > LONGEST_DETAIL ? `${line.slice(0, LONGEST_DETAIL - 1)}…` : line;
}
