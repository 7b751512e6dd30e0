import { createHash } from 'node:crypto';

/**
 * Hash of what a bot runs on (design 4): config, runtime, entry points, file path, version, and `code`, a digest of the
 * code where the file path alone does not tell (a directory). Key order does not count.
 */
export function specRevision(parts: {
  readonly config: unknown;
  readonly runtime: string;
  readonly entrypoint: string;
  readonly queryEntrypoint: string | null;
  readonly filePath: string;
  readonly version: string;
  readonly code?: string;
}): string {
  return createHash('sha256').update(canonicalJson(parts)).digest('hex').slice(0, 16);
}

/** JSON with sorted keys and no blanks; undefined members are left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
