/** A JSON value as Go's `%v` prints it: existing bots read `QUERY_PARAM_<key>` in this form (contract 6.4). */
export function formatLikeGo(value: unknown): string {
  if (value === null) return '<nil>';
  if (typeof value === 'number') return formatFloat(value);
  if (Array.isArray(value)) return `[${value.map(formatLikeGo).join(' ')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${members.map(([key, member]) => `${key}:${formatLikeGo(member)}`).join(' ')}]`;
  }
  return String(value);
}

/** Shortest digits; below 1e-4 and from 1e6 on with an exponent of at least two digits. */
function formatFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}
