import type { Random } from '../../simulation/random.ts';
import { type Fault, MOMENTS, NO_FAULT, type Plan, type SeenRequest } from './fault-proxy.ts';

const LONGEST_DELAY_MS = 150;
interface Refusal {
  readonly status: number;
  /** Of S3; null: the answer has none. */
  readonly code: string | null;
}

/** What stores, and what stands before them, answer when they cannot or will not. */
const REFUSALS: readonly [Refusal, ...Refusal[]] = [
  { status: 403, code: 'AccessDenied' },
  { status: 404, code: 'NoSuchKey' },
  { status: 404, code: null },
  { status: 409, code: 'ConditionalRequestConflict' },
  { status: 412, code: 'PreconditionFailed' },
  { status: 500, code: 'InternalError' },
  { status: 502, code: null },
  { status: 503, code: 'SlowDown' },
];
/** These may come when it has been done all the same. */
const AFTER_THE_FACT: readonly [Refusal, ...Refusal[]] = [
  { status: 500, code: 'InternalError' },
  { status: 503, code: null },
  { status: 504, code: null },
];

/** Of the next so many requests a part goes wrong. */
export function badNetwork(random: Random, requests: number, share: number): Plan {
  return (request) => (request.number <= requests && random.chance(share) ? anyFault(random, request) : NO_FAULT);
}

function anyFault(random: Random, request: SeenRequest): Fault {
  switch (random.between(0, 7)) {
    case 0:
      return { kind: 'delay', ms: random.between(1, LONGEST_DELAY_MS) };
    case 1:
      return { kind: 'late', ms: random.between(1, LONGEST_DELAY_MS) };
    case 2:
      return { kind: 'twice', answer: random.pick(['first', 'second']) };
    case 3:
      return { kind: 'answer', ...random.pick(AFTER_THE_FACT), reached: true };
    case 4:
    case 5:
      return { kind: 'answer', ...believable(request, random.pick(REFUSALS)), reached: false };
    default:
      return { kind: 'break', at: random.pick(MOMENTS), afterMs: 0, strike: () => {} };
  }
}

/** A store that says in its own words that nothing is stored, when asked for the state, is believed: that is a first run. */
function believable({ method, conditional }: SeenRequest, refusal: Refusal): Refusal {
  return method === 'GET' && !conditional && refusal.status === 404 ? { status: 404, code: null } : refusal;
}
