import assert from 'node:assert/strict';
import type { Document } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { botDocument } from '../../desired/mongodb/bot-documents.ts';
import { botEvent } from '../../desired/nats/events.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import type { Round } from './round.ts';

const SHOWN_MS = 60_000;
/** Must be nowhere in what is printed (contract 12.1, number 11). */
const SECRET = 'sesame-91bd';

/** With some of them the Go runtime ends, or runs the bot every ten seconds (contract 12, numbers 4, 5 and 28). */
const SCHEDULES: readonly unknown[] = [
  'TZ=',
  'TZ=UTC',
  'TZ=Mars * * * * *',
  'soon',
  '61 * * * *',
  '* * * * * * *',
  '',
  7,
  null,
];
const IMPOSSIBLE = '0 0 30 2 *';
const OFTEN = '* * * * * *';

/** Of each change and for a bot of this id: messages of which nothing can be made. */
const CHANGES: readonly (readonly [change: 'created' | 'updated' | 'deleted', payload: (id: string) => string])[] = [
  ...SCHEDULES.flatMap((schedule) =>
    (['created', 'updated'] as const).map(
      (change) => [change, (id: string) => event(id, { schedule, key: SECRET })] as const,
    ),
  ),
  ...(['created', 'updated', 'deleted'] as const).flatMap((change) =>
    ['', `not JSON ${SECRET}`, 'null', '{}', `["${SECRET}"]`, event('', {}), event('../../etc', {})].map(
      (payload) => [change, () => payload] as const,
    ),
  ),
  ['updated', (id) => JSON.stringify({ ...botEvent(id), config: SECRET })],
  ['updated', (id) => JSON.stringify({ ...botEvent(id, { schedule: OFTEN }), custom: [SECRET] })],
  ['updated', (id) => `{"id":"${id}","config":${'['.repeat(500)}${']'.repeat(500)}}`],
  ['deleted', () => '{"id":null}'],
  ['deleted', () => '{"id":{"$ne":""}}'],
];

/** Schedules of which nothing can be made, in messages, some of them to bots that are well, and in documents. */
export class BadSchedules {
  readonly #round: Round;
  readonly #messages: number[] = [];
  readonly #blocked: string[] = [];
  readonly #never: string;
  #next = 0;

  constructor(round: Round) {
    this.#round = round;
    this.#never = `n${round.seed}`;
  }

  /** The next few. */
  async spread(): Promise<void> {
    for (let left = Math.ceil(ALL / this.#round.size.kills / 2); left > 0 && this.#next < ALL; left -= 1)
      await this.#one();
  }

  async rest(): Promise<void> {
    while (this.#next < ALL) await this.#one();
  }

  /** Each has a sentence, none has run, and no secret is in any. */
  async areShown(): Promise<void> {
    const round = this.#round;
    for (const sequence of this.#messages) {
      const told = new RegExp(`number ${sequence} of the stream\\) was not applied`);
      await poll(`message ${sequence} to be told`, async () => told.test(round.outputs) || undefined, SHOWN_MS);
    }
    const states = [...this.#blocked.map((id) => [id, 'blocked'] as const), [this.#never, 'idle'] as const];
    for (const [id, state] of states) {
      const { reason } = await poll(
        `${id} to be ${state}`,
        async () => {
          const reply = await round.role.admin.why(id).catch(() => undefined);
          return reply?.bot.state === state ? reply.bot : undefined;
        },
        SHOWN_MS,
      );
      assert.notEqual(reason.advice, '', `${id}: ${reason.text}`);
      assert.deepEqual(round.stage.history.of(id), [], `${id} ran`);
    }
    assert.ok(!round.outputs.includes(SECRET), 'a payload was printed');
  }

  async remove(): Promise<void> {
    const ids = [...this.#blocked, this.#never];
    await botsOf(this.#round.stage.client, 'scheduled').deleteMany({ id: { $in: ids } });
  }

  async #one(): Promise<void> {
    const at = this.#next;
    this.#next += 1;
    const { seed, stage, bots, random } = this.#round;
    const message = CHANGES[at];
    if (message !== undefined) {
      const [change, payload] = message;
      const well = bots[random.between(0, bots.length - 1)];
      const id = change === 'created' || well === undefined ? `m${seed}-${at}` : well.id;
      const { seq } = await stage.api.connection.jetstream().publish(`the0.bot-schedule.${change}`, payload(id));
      this.#messages.push(seq);
      return;
    }
    const schedule = SCHEDULES[at - CHANGES.length];
    const id = `d${seed}-${at}`;
    const isLast = at === ALL - 1;
    const document: Document = botDocument(isLast ? this.#never : id, { schedule: isLast ? IMPOSSIBLE : schedule });
    if (!isLast) this.#blocked.push(id);
    await botsOf(stage.client, 'scheduled').insertOne(isLast ? document : { ...document, next_execution_time: 1 });
  }
}

/** The last document is that of the impossible date. */
const ALL = CHANGES.length + SCHEDULES.length + 1;

function event(id: string, config: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(botEvent(id, { ...config }));
}
