/** The bots of a benchmark. All names are as long, so that no query is larger than another. */
export function botName(i: number): string {
  return `b${String(i).padStart(4, '0')}`;
}
