import type { SweepProblem } from './sweep-report.ts';

/** When the answer of MongoDB is not believed: removing the states of bots that live cannot be undone. */
export interface TrustLimits {
  /** So many orphans may always be removed by one sweep. */
  readonly fewOrphans: number;
  /** Beyond these, the part of the stored bots that one sweep may remove; from 0 to 1. */
  readonly share: number;
}

export interface Evidence {
  readonly known: number;
  readonly stored: number;
  /** Whether at least one stored bot is a known one. */
  readonly hasKnown: boolean;
  readonly due: number;
}

/**
 * Signs of a database that was emptied, replaced, restored from an old copy, or is that of another installation
 * (contract 12.5 #72). Each sweep looks anew: when the database is right again, so is the answer.
 */
export function distrust(evidence: Evidence, limits: TrustLimits): SweepProblem | null {
  const { known, stored, hasKnown, due } = evidence;
  if (stored === 0) return null;
  if (known === 0) {
    return refusal(
      'no-known-bots',
      `MongoDB knows no bot at all, and there are things of ${countOf(stored)} in the store: none is removed`,
      'Is this the right MongoDB (MONGO_URI)? When the last bot is really gone, its things stay until there is another.',
    );
  }
  if (!hasKnown) {
    return refusal(
      'no-stored-bot-known',
      `MongoDB knows none of the ${countOf(stored)} of which there are things in the store: none is removed`,
      'Do this MongoDB (MONGO_URI) and this store (MINIO_ENDPOINT, MINIO_STATE_BUCKET) belong together?',
    );
  }
  const most = Math.max(limits.fewOrphans, Math.floor(limits.share * stored));
  if (due <= most) return null;
  return refusal(
    'too-many-orphans',
    `${due} of ${countOf(stored)} in the store are to be removed at once, more than ${most}: none is`,
    'Look at them with --dry-run. If all of them are really gone, sweep once with --gc-share 100.',
  );
}

function refusal(code: SweepProblem['code'], sentence: string, hint: string): SweepProblem {
  return { code, sentence, hint, isRefusal: true };
}

function countOf(bots: number): string {
  return bots === 1 ? '1 bot' : `${bots} bots`;
}
