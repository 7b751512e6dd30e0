/** The code of a failed operation: the system's, such as `ENOENT`, or one of ours. Null when it has none. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
