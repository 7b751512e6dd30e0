import type { SweepProblem } from './sweep-report.ts';

/** When the answer of MongoDB is not believed: removing the states of bots that live cannot be undone. */
export interface TrustLimits {
  /** So many orphans, and keys of bots, may always be removed by one sweep. */
  readonly fewOrphans: number;
  /** Beyond these, the part of the stored bots, and of the keys, that one sweep may remove; from 0 to 1. */
  readonly share: number;
}

export interface Evidence {
  readonly known: number;
  readonly stored: number;
  /** Whether at least one stored bot is a known one. */
  readonly hasKnown: boolean;
  readonly due: number;
  /** Keys of the store that were made for single bots. */
  readonly credentials: { readonly all: number; readonly unused: number; readonly due: number };
}

/**
 * Signs of a database that was emptied, replaced, restored from an old copy, or is that of another installation
 * (contract 12.5 #72). Each sweep looks anew: when the database is right again, so is the answer.
 */
export function distrust(evidence: Evidence, limits: TrustLimits): SweepProblem | null {
  const { known, stored, hasKnown, due, credentials } = evidence;
  if (stored === 0 && credentials.all === 0) return null;
  // Bots that have stored nothing yet have keys, and would not get others while they run.
  const what = stored === 0 ? `${countOf(credentials.all, 'key')} of bots` : `things of ${countOf(stored, 'bot')}`;
  if (known === 0) {
    return refusal(
      'no-known-bots',
      `MongoDB knows no bot at all, and there are ${what} in the store: none is removed`,
      'Is this the right MongoDB (MONGO_URI)? When the last bot is really gone, its things stay until there is another.',
    );
  }
  if (stored === 0 ? credentials.unused === credentials.all : !hasKnown) {
    return refusal(
      'no-stored-bot-known',
      `There are ${what} in the store, and MongoDB knows none of these bots: none is removed`,
      'Do this MongoDB (MONGO_URI) and this store (MINIO_ENDPOINT, MINIO_STATE_BUCKET) belong together?',
    );
  }
  return tooMany(due, countOf(stored, 'bot'), stored, limits) ?? tooManyKeys(credentials, limits);
}

function tooManyKeys({ all, due }: Evidence['credentials'], limits: TrustLimits): SweepProblem | null {
  return tooMany(due, `${countOf(all, 'key')} of bots`, all, limits);
}

function tooMany(due: number, ofWhat: string, all: number, limits: TrustLimits): SweepProblem | null {
  const most = Math.max(limits.fewOrphans, Math.floor(limits.share * all));
  if (due <= most) return null;
  return refusal(
    'too-many-orphans',
    `${due} of ${ofWhat} in the store are to be removed at once, more than ${most}: none is`,
    'Look at them with --dry-run. If all of them are really gone, sweep once with --gc-share 100.',
  );
}

function refusal(code: SweepProblem['code'], sentence: string, hint: string): SweepProblem {
  return { code, sentence, hint, isRefusal: true };
}

function countOf(count: number, what: 'bot' | 'key'): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
