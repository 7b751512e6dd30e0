/**
 * A line as the stored log has it (contract 4.6): a JSON object with a `timestamp`, ended by a newline. Null for a blank
 * line.
 *
 * The Go runtime also cut off leading blanks and wrote foreign JSON anew (contract 12.3 #49); here tracebacks keep their
 * indentation, and keys and big numbers stay as the bot wrote them.
 * @param timestamp of the upload, for lines that have none
 */
export function storedLine(line: string, timestamp: string): string | null {
  const text = line.trimEnd();
  if (text === '') return null;
  const json = text.trimStart();
  const entry = json.startsWith('{') ? parseObject(json) : null;
  if (entry === null) return `${JSON.stringify({ timestamp, message: text })}\n`;
  if ('timestamp' in entry) return `${json}\n`;
  const rest = json.slice(1).trimStart();
  return `{"timestamp":${JSON.stringify(timestamp)}${rest === '}' ? '' : ','}${rest}\n`;
}

/** RFC 3339 with seconds, in the local zone: `2026-04-01T10:00:00Z`, `2026-04-01T12:00:00+02:00`. */
export function localTimestamp(at: Date): string {
  const offset = -at.getTimezoneOffset();
  const zone =
    offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${clockOf(at)}${zone}`;
}

/** The day in a log's key, `20260401`; local, as its readers have it (contract 4.5). */
export function localDay(at: Date): string {
  return `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
}

function clockOf(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null; // A plain line that begins with a brace.
  }
}
