import { openRun, type RunRecord, type ScheduleRecord } from '../../actors/run-record.ts';
import type { Claim, Plan, RunLedger, RunName } from '../../src/desired/run-ledger.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Random } from './random.ts';

interface Stored {
  schedule: string;
  next: number | null;
  run: (Omit<RunRecord, 'mine'> & { readonly owner: string }) | null;
}

/** One ledger for all runtimes of a simulation, in memory. */
export class FakeLedger {
  /** How likely a call fails before it was carried out, or after it, and how likely it takes long. */
  readonly faults = { refuse: 0, loseAnswer: 0, late: 0 };
  /** Occurrences that were given to somebody, as `bot@occurrence`. */
  readonly claims: string[] = [];
  readonly #records = new Map<string, Stored>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** As one of the runtimes sees it. */
  of(owner: string): RunLedger {
    const call = (botId: string, change: (stored: Stored | null) => Stored | null) => this.#call(owner, botId, change);
    const changeRun = ({ botId, occurrence }: RunName, change: (run: NonNullable<Stored['run']>) => Stored['run']) =>
      call(botId, (stored) =>
        stored?.run?.occurrence === occurrence ? { ...stored, run: change(stored.run) } : stored,
      );
    return {
      read: (botId) => call(botId, (stored) => stored),
      plan: ({ botId, schedule, expected, next }: Plan) =>
        call(botId, (stored) =>
          (stored?.next ?? null) === expected ? { schedule, next, run: stored?.run ?? null } : stored,
        ),
      claim: ({ botId, occurrence, expected, next, incarnation, at }: Claim) =>
        call(botId, (stored) => {
          if (stored === null || stored.next !== expected || openRun(seenBy(owner, stored)) !== null) return stored;
          if (stored.run !== null && occurrence <= stored.run.occurrence) return stored;
          this.claims.push(`${botId}@${occurrence}`);
          const run = { occurrence, incarnation, claimedAt: at, state: 'claimed', exitCode: null, owner } as const;
          return { ...stored, next, run };
        }),
      started: (name) =>
        changeRun(name, (run) => (run.state === 'claimed' && run.owner === owner ? { ...run, state: 'started' } : run)),
      finished: (name) =>
        changeRun(name, (run) =>
          run.state === 'claimed' || run.state === 'started'
            ? { ...run, state: 'finished', exitCode: name.exitCode }
            : run,
        ),
      missed: (name) => changeRun(name, (run) => (run.state === 'claimed' ? { ...run, state: 'missed' } : run)),
      forget: async (botId) => {
        this.#records.delete(botId);
      },
      close: async () => {},
    };
  }

  #call(
    owner: string,
    botId: string,
    change: (stored: Stored | null) => Stored | null,
  ): Promise<ScheduleRecord | null> {
    const random = this.#random;
    const { refuse, loseAnswer, late } = this.faults;
    return new Promise((resolve, reject) => {
      const later = (then: () => void) =>
        this.#clock.schedule(random.between(1, 20) + (random.chance(late) ? 2_500 : 0), then);
      later(() => {
        if (random.chance(refuse)) {
          later(() => reject(new Error('connect ECONNREFUSED')));
          return;
        }
        const after = change(this.#records.get(botId) ?? null);
        if (after !== null) this.#records.set(botId, after);
        const seen = seenBy(owner, after);
        later(() => (random.chance(loseAnswer) ? reject(new Error('read ECONNRESET')) : resolve(seen)));
      });
    });
  }
}

function seenBy(owner: string, stored: Stored | null): ScheduleRecord | null {
  if (stored === null || stored.run === null) return stored === null ? null : { ...stored, run: null };
  const { owner: claimedBy, ...run } = stored.run;
  return { ...stored, run: { ...run, mine: claimedBy === owner } };
}
