/**
 * One text for all ways to write the same parameters: blanks and the order of names do not count. Numbers count as they are
 * written, because what JSON.parse makes of long ones is the same for different ones.
 *
 * @param json text of a JSON value; one that is too deep or too long for this is returned as it is
 */
export function canonicalParams(json: string): string {
  try {
    // Every string gets a letter in front, so that no string looks like a number that became one.
    const tagged = json.replace(TOKEN, (token) => (token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`));
    return JSON.stringify(JSON.parse(tagged), sortedNames);
  } catch {
    // Whoever asks the same in other words gets a run of its own, and that is all.
    return json;
  }
}

function sortedNames(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
