const SHOWN = 3;

/** Of the troubles of the source of the bots, which may be as many as there are bots, the latest; then how many more there are. */
export function fewTroubles(troubles: readonly string[], ofSource: ReadonlySet<string>): string[] {
  const older = [...ofSource].slice(0, -SHOWN);
  if (older.length === 0) return [...troubles];
  const isOlder = new Set(older);
  return [
    ...troubles.filter((trouble) => !isOlder.has(trouble)),
    `Where the bots come from, ${older.length} more ${older.length === 1 ? 'thing is' : 'things are'} wrong; the runtime has said each when it was found.`,
  ];
}
