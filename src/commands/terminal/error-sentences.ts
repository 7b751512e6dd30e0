/** What to do, as every error for people has it; empty when nobody can say. */
export function hintOf(error: unknown): string {
  return error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : '';
}

/** What went wrong and what to do, on one line. */
export function sentencesOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const hint = hintOf(error);
  return hint === '' ? message : `${message}${/[.!?]$/.test(message) ? '' : '.'} ${hint}`;
}
