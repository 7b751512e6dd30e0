import assert from 'node:assert/strict';
import type { Document } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { botDocument } from '../../desired/mongodb/bot-documents.ts';
import { botEvent } from '../../desired/nats/events.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import type { Round } from './round.ts';

const SHOWN_MS = 60_000;

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

/** Schedules of which nothing can be made, in messages and in documents. */
export class BadSchedules {
  readonly #round: Round;
  readonly #messages: number[] = [];
  readonly #blocked: string[] = [];
  readonly #never: string;

  constructor(round: Round) {
    this.#round = round;
    this.#never = `n${round.seed}`;
  }

  async spread(): Promise<void> {
    const { seed, stage } = this.#round;
    const schedules = botsOf(stage.client, 'scheduled');
    for (const [at, schedule] of SCHEDULES.entries()) {
      const event = JSON.stringify(botEvent(`m${seed}-${at}`, { schedule }));
      const { seq } = await stage.api.connection.jetstream().publish('the0.bot-schedule.created', event);
      this.#messages.push(seq);
      const id = `d${seed}-${at}`;
      const document: Document = { ...botDocument(id, { schedule }), next_execution_time: 1 };
      await schedules.insertOne(document);
      this.#blocked.push(id);
    }
    await schedules.insertOne(botDocument(this.#never, { schedule: IMPOSSIBLE }));
  }

  /** Each has a sentence, and none has run. */
  async areShown(): Promise<void> {
    const { role, stage } = this.#round;
    for (const sequence of this.#messages) {
      const told = new RegExp(`number ${sequence} of the stream\\) was not applied`);
      await poll(`message ${sequence} to be told`, async () => told.test(this.#round.outputs) || undefined, SHOWN_MS);
    }
    const states = [...this.#blocked.map((id) => [id, 'blocked'] as const), [this.#never, 'idle'] as const];
    for (const [id, state] of states) {
      const { reason } = await poll(
        `${id} to be ${state}`,
        async () => {
          const reply = await role.admin.why(id).catch(() => undefined);
          return reply?.bot.state === state ? reply.bot : undefined;
        },
        SHOWN_MS,
      );
      assert.notEqual(reason.advice, '', `${id}: ${reason.text}`);
      assert.deepEqual(stage.history.of(id), [], `${id} ran`);
    }
  }

  async remove(): Promise<void> {
    const ids = [...this.#blocked, this.#never];
    await botsOf(this.#round.stage.client, 'scheduled').deleteMany({ id: { $in: ids } });
  }
}
