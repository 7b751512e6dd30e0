import type { Document, MongoClient } from 'mongodb';
import type { RunRecord, ScheduleRecord } from '../../../actors/run-record.ts';
import type { Claim, Plan, RunLedger, RunName } from '../run-ledger.ts';
import { botsOf, int64, withBotId } from './collections.ts';
import { cannot, MongoTroubleError } from './mongo-error.ts';
import { NEVER_DUE } from './next-run.ts';

/** Beside the fields of the contract, in the bot's own document: it goes with the bot. `format` is the format number. */
const OURS = 'the0_schedule';
const FORMAT = 1;
const STATES: readonly RunRecord['state'][] = ['claimed', 'started', 'finished', 'missed'];

/**
 * The ledger in `bot_scheduler.bot_schedules`: `next_execution_time` is the contract's (2.3), so a Go scheduler finds the next
 * occurrence where it left it and the other way round. Every step is one `findOneAndUpdate`.
 *
 * Methods throw MongoTroubleError, whose message becomes a reason; what a server says may quote documents.
 */
export class MongoRunLedger implements RunLedger {
  readonly #client: MongoClient;
  readonly #owner: string;

  /** @param owner who claims: the same again after a restart on the same engine, and no other's. The client is its maker's to close. */
  constructor(client: MongoClient, owner: string) {
    this.#client = client;
    this.#owner = owner;
  }

  async read(botId: string): Promise<ScheduleRecord | null> {
    const projection = { next_execution_time: 1, [OURS]: 1 };
    const find = () => botsOf(this.#client, 'scheduled').findOne(withBotId(botId), { projection });
    return this.#recordOf(await told(find));
  }

  plan({ botId, schedule, expected, next }: Plan): Promise<ScheduleRecord | null> {
    const set = { next_execution_time: storedTime(next), [`${OURS}.schedule`]: schedule, [`${OURS}.format`]: FORMAT };
    return this.#change(botId, [stillNext(expected)], set);
  }

  claim({ botId, occurrence, expected, next, incarnation, at }: Claim): Promise<ScheduleRecord | null> {
    const isFree = { [`${OURS}.run.state`]: { $nin: ['claimed', 'started'] } };
    const last = `${OURS}.run.occurrence`;
    const isLater = { $or: [{ [last]: { $exists: false } }, { [last]: { $lt: occurrence } }] };
    return this.#change(botId, [stillNext(expected), isFree, isLater], {
      next_execution_time: storedTime(next),
      [`${OURS}.format`]: FORMAT,
      [`${OURS}.run`]: {
        occurrence: int64(occurrence),
        state: 'claimed',
        incarnation: int64(incarnation),
        owner: this.#owner,
        claimedAt: int64(at),
        changedAt: int64(at),
        exitCode: null,
      },
    });
  }

  started({ botId, occurrence, at }: RunName): Promise<ScheduleRecord | null> {
    const own = { [`${OURS}.run.owner`]: this.#owner };
    return this.#changeRun(botId, occurrence, ['claimed'], [own], { state: 'started', changedAt: int64(at) });
  }

  finished({ botId, occurrence, exitCode, at }: RunName & { exitCode: number | null }): Promise<ScheduleRecord | null> {
    const set = { state: 'finished', exitCode, changedAt: int64(at) };
    return this.#changeRun(botId, occurrence, ['claimed', 'started'], [], set);
  }

  missed({ botId, occurrence, at }: RunName): Promise<ScheduleRecord | null> {
    return this.#changeRun(botId, occurrence, ['claimed'], [], { state: 'missed', changedAt: int64(at) });
  }

  /** Of an owner that is gone: nobody else would ever say how its runs ended, and until then the bots' next ones would wait. */
  async endRunsOf(owner: string): Promise<void> {
    const run = `${OURS}.run`;
    const set = { [`${run}.state`]: 'finished', [`${run}.exitCode`]: null, [`${run}.changedAt`]: int64(Date.now()) };
    const runs = { [`${run}.owner`]: owner, [`${run}.state`]: 'started', [`${OURS}.format`]: { $lte: FORMAT } };
    await told(() => botsOf(this.#client, 'scheduled').updateMany(runs, { $set: set }));
  }

  /** The record went with the bot's document. */
  async forget(): Promise<void> {}

  async close(): Promise<void> {}

  #changeRun(
    botId: string,
    occurrence: number,
    from: readonly RunRecord['state'][],
    conditions: readonly Document[],
    run: Readonly<Record<string, unknown>>,
  ): Promise<ScheduleRecord | null> {
    const isThis = { [`${OURS}.run.occurrence`]: occurrence, [`${OURS}.run.state`]: { $in: from } };
    const set = Object.fromEntries(Object.entries(run).map(([name, value]) => [`${OURS}.run.${name}`, value]));
    return this.#change(botId, [isThis, ...conditions], set);
  }

  async #change(botId: string, conditions: readonly Document[], set: Document): Promise<ScheduleRecord | null> {
    const isKnown = { $or: [{ [`${OURS}.format`]: { $exists: false } }, { [`${OURS}.format`]: { $lte: FORMAT } }] };
    const change = () =>
      botsOf(this.#client, 'scheduled').findOneAndUpdate(
        { $and: [withBotId(botId), isKnown, ...conditions] },
        { $set: set },
        { returnDocument: 'after', projection: { next_execution_time: 1, [OURS]: 1 } },
      );
    const changed = await told(change);
    return changed === null ? await this.read(botId) : this.#recordOf(changed);
  }

  #recordOf(document: Document | null): ScheduleRecord | null {
    if (document === null) return null;
    const next = wholeNumber(document['next_execution_time']);
    const ours: unknown = document[OURS];
    const due = next === null || next <= 0 || next >= NEVER_DUE ? null : next;
    if (!isObject(ours)) return due === null ? null : { schedule: null, next: due, run: null };
    const format = wholeNumber(ours['format']);
    if (format !== null && format > FORMAT) {
      throw new MongoTroubleError(
        'mongodb-run-ledger',
        `the record of runs in MongoDB has the format ${format}, which this version does not know`,
        'A newer version of the runtime has written it: use that one.',
      );
    }
    const schedule = typeof ours['schedule'] === 'string' ? ours['schedule'] : null;
    return { schedule, next: due, run: this.#runOf(ours['run']) };
  }

  #runOf(run: unknown): RunRecord | null {
    if (!isObject(run)) return null;
    const occurrence = wholeNumber(run['occurrence']);
    const state = STATES.find((known) => known === run['state']);
    if (occurrence === null || state === undefined) return null;
    return {
      occurrence,
      state,
      incarnation: wholeNumber(run['incarnation']) ?? 0,
      claimedAt: wholeNumber(run['claimedAt']) ?? 0,
      exitCode: wholeNumber(run['exitCode']),
      mine: run['owner'] === this.#owner,
    };
  }
}

async function told<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw cannot('keep the record of runs', error);
  }
}

/** Is the next occurrence still this one? Null: there is none, in whatever way it is written. */
function stillNext(expected: number | null): Document {
  const field = 'next_execution_time';
  if (expected !== null) return { [field]: expected };
  const none = [{ $exists: false }, { $lte: 0 }, { $gte: NEVER_DUE }];
  return { $or: [...none.map((condition) => ({ [field]: condition })), { [field]: null }] };
}

function storedTime(next: number | null) {
  return int64(next ?? NEVER_DUE);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Of whatever number type a document has. */
function wholeNumber(value: unknown): number | null {
  const number =
    typeof value === 'number' ? value : isObject(value) || typeof value === 'bigint' ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) ? number : null;
}
