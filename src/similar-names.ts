/** Names a person may have meant: those that contain what was typed, or differ in a letter or two. At most three, best first. */
export function similarNames(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  const scored: { name: string; score: number }[] = [];
  for (const name of names.slice(0, MOST_NAMES)) {
    const candidate = name.toLowerCase();
    const contains =
      wanted.length >= 2 && (candidate.includes(wanted) || (candidate.length >= 2 && wanted.includes(candidate)));
    const score = contains ? 1 : editDistance(wanted, candidate, Math.max(2, Math.floor(wanted.length / 4)));
    if (score !== null) scored.push({ name, score });
  }
  return scored
    .sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

const MOST_NAMES = 20_000;

/** Insertions, deletions, replacements and swaps of neighbours; null when there are more than `limit`. */
function editDistance(a: string, b: string, limit: number): number | null {
  if (Math.abs(a.length - b.length) > limit) return null;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      current.push(best);
    }
    if (Math.min(...current) > limit) return null;
    beforeLast = last;
    last = current;
  }
  const distance = last[b.length] ?? 0;
  return distance <= limit ? distance : null;
}
