import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Document } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import type { Round } from './round.ts';

const LOOK_MS = 25;
const OPEN = ['claimed', 'started'];
/** In this order only; both of the last are the end. */
const RANK: Readonly<Record<string, number>> = { claimed: 0, started: 1, finished: 2, missed: 2 };

/** A run as the record last showed it. */
interface Claim {
  readonly occurrence: number;
  readonly state: string;
  /** When it was decided on, as the role's clock has it; milliseconds since the epoch. */
  readonly decidedAt: number;
}

/** The record of runs, looked at all the time and past all proxies. */
export class LedgerWatch {
  readonly #round: Round;
  readonly #claims = new Map<string, Map<number, Claim>>();
  readonly #violations: string[] = [];
  readonly #watching: Promise<void>;
  #ended = false;

  constructor(round: Round) {
    this.#round = round;
    for (const { id } of round.bots) this.#claims.set(id, new Map());
    this.#watching = this.#watch();
  }

  /** Of all bots together; for people. */
  get claims(): number {
    return [...this.#claims.values()].reduce((sum, { size }) => sum + size, 0);
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#watching;
  }

  /**
   * What was claimed has run, or is recorded as missed and has not run; and of what was due before a claim nothing was
   * claimed after it.
   */
  check(): void {
    assert.deepEqual(this.#violations, []);
    for (const { id } of this.#round.bots) this.#checkBot(id);
  }

  #checkBot(id: string): void {
    const { history } = this.#round.stage;
    const ran = new Set(history.of(id).map(({ occurrence }) => occurrence));
    const claims = [...(this.#claims.get(id)?.values() ?? [])].sort((a, b) => a.occurrence - b.occurrence);
    for (const [at, { occurrence, state, decidedAt }] of claims.entries()) {
      const next = claims[at + 1];
      const which = `${occurrence} of ${id}`;
      if (next === undefined && OPEN.includes(state)) continue;
      const isMissed = state === 'missed' || this.#toldAsMissed(id, occurrence);
      assert.ok(ran.has(occurrence) || isMissed, `${which} was claimed, has not run and is not missed: it is ${state}`);
      assert.ok(state !== 'missed' || !ran.has(occurrence), `${which} has run and is recorded as missed`);
      if (next === undefined) continue;
      const isLater = next.occurrence * 1_000 > decidedAt;
      assert.ok(
        isLater,
        `${next.occurrence} of ${id} was claimed although it was due before the claim of ${occurrence}`,
      );
    }
  }

  /** Between two looks a run may have been recorded as missed and the next one claimed. */
  #toldAsMissed(id: string, occurrence: number): boolean {
    return this.#round.outputs
      .split('\n')
      .some(
        (line) => line.includes(`"bot":"${id}"`) && line.includes('"run-missed"') && line.includes(`${occurrence}`),
      );
  }

  async #watch(): Promise<void> {
    const ids = [...this.#claims.keys()];
    const schedules = botsOf(this.#round.stage.client, 'scheduled');
    while (!this.#ended) {
      try {
        const found = await schedules.find({ id: { $in: ids } }, { projection: { id: 1, the0_schedule: 1 } }).toArray();
        for (const document of found) this.#see(document);
      } catch {
        // MongoDB is away: nobody else can write to it either.
      }
      await delay(LOOK_MS);
    }
  }

  #see({ id, the0_schedule: record }: Document): void {
    const run: unknown = record?.run;
    if (typeof run !== 'object' || run === null) return;
    const { occurrence, state, incarnation } = { occurrence: 0, state: '', incarnation: 0, ...run };
    const claim = { occurrence: Number(occurrence), state: String(state), decidedAt: Number(incarnation) };
    const claims = this.#claims.get(String(id));
    const before = claims?.get(claim.occurrence);
    const isBack = before !== undefined && (RANK[claim.state] ?? 0) < (RANK[before.state] ?? 0);
    if (isBack) this.#violations.push(`${claim.occurrence} of ${id} was ${before.state} and is ${claim.state}`);
    claims?.set(claim.occurrence, claim);
  }
}
