import assert from 'node:assert/strict';
import { Binary, type Document, Long, ObjectId } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { botDocument } from '../../desired/mongodb/bot-documents.ts';
import { botEvent } from '../../desired/nats/events.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import type { Round } from './round.ts';

const SHOWN_MS = 60_000;
/** Must be nowhere in what is printed (contract 12.1, number 11). */
const SECRET = 'sesame-7f3a';

/** Messages of which nothing can be made (contract 12.1 and 3.2); each is told once, by its number in the stream. */
const MESSAGES: readonly (readonly [subject: string, payload: (id: string) => string | Uint8Array])[] = [
  ['bot.created', () => `not JSON ${SECRET}`],
  ['bot.created', () => ''],
  ['bot.created', () => '{}'],
  ['bot.created', () => 'null'],
  ['bot.created', () => `["${SECRET}"]`],
  ['bot.created', () => JSON.stringify({ ...botEvent('', { key: SECRET }) })],
  ['bot.created', () => JSON.stringify({ ...botEvent('x', { key: SECRET }), id: 7 })],
  ['bot.created', () => JSON.stringify(botEvent('../../etc', { key: SECRET }))],
  ['bot.created', () => JSON.stringify(botEvent('x'.repeat(65), { key: SECRET }))],
  ['bot.created', (id) => JSON.stringify({ ...botEvent(id), config: SECRET })],
  ['bot.updated', (id) => JSON.stringify({ ...botEvent(id), custom: [SECRET] })],
  ['bot.updated', (id) => withEntrypoints(id, { bot: 7 })],
  ['bot.updated', (id) => withEntrypoints(id, SECRET)],
  ['bot.updated', (id) => `{"id":"${id}","config":${'['.repeat(500)}${']'.repeat(500)}}`],
  ['bot.updated', (id) => JSON.stringify(botEvent(id, { 'a\0b': SECRET }))],
  ['bot.updated', () => new Uint8Array([0xff, 0xfe, 0x00, 0x7b])],
  ['bot.deleted', () => '{"id":null}'],
  ['bot.deleted', () => '{"id":{"$ne":""}}'],
];

/** Documents of which no bot can be made; each is shown as a bot that is blocked, with a sentence. */
const DOCUMENTS: readonly ((id: string) => Document)[] = [
  (id) => botDocument(id, {}, { enabled: 'yes' }),
  (id) => botDocument(id, {}, { config: SECRET }),
  (id) => botDocument(id, {}, { custom: null }),
  (id) => botDocument(id, {}, { custom: { config: { runtime: 7 } } }),
  (id) => botDocument(id, { of: Number.NaN }),
  (id) => botDocument(id, { of: new Binary(Buffer.from(SECRET)) }),
  (id) => botDocument(id, { of: Long.fromString('9007199254740995') }),
  (id) => withCustom(id, { runtime: 'cobol85' }),
  (id) => withCustom(id, { entrypoints: {} }),
  (id) => withCustom(id, { entrypoints: { bot: 7 } }),
];

/** Documents that are no bot's; each is told. */
const NOBODYS: readonly Document[] = [
  { config: { key: SECRET } },
  { ...botDocument('x'), id: '' },
  { ...botDocument('x'), id: 7 },
  { ...botDocument('x'), id: 'with a blank' },
];

/** Bad messages and documents of one round, and whether they were shown. */
export class Poison {
  readonly #round: Round;
  readonly #messages: number[] = [];
  readonly #documents: string[] = [];
  readonly #nobodys: string[] = [];
  #next = 0;

  constructor(round: Round) {
    this.#round = round;
  }

  /** The next few. */
  async spread(): Promise<void> {
    const all = MESSAGES.length + DOCUMENTS.length + NOBODYS.length;
    for (let left = Math.ceil(all / this.#round.size.kills); left > 0 && this.#next < all; left -= 1) {
      await this.#one(this.#next);
      this.#next += 1;
    }
  }

  async rest(): Promise<void> {
    const all = MESSAGES.length + DOCUMENTS.length + NOBODYS.length;
    for (; this.#next < all; this.#next += 1) await this.#one(this.#next);
  }

  /** Each has a sentence somewhere, and no secret is in any. */
  async isShown(): Promise<void> {
    const { outputs, role } = this.#round;
    for (const sequence of this.#messages) {
      const told = new RegExp(`number ${sequence} of the stream\\) was not applied`);
      await poll(`message ${sequence} to be told`, async () => told.test(this.#round.outputs) || undefined, SHOWN_MS);
    }
    for (const id of this.#documents) {
      const { reason } = await poll(
        `${id} to be blocked`,
        async () => {
          const reply = await role.admin.why(id).catch(() => undefined);
          return reply?.bot.state === 'blocked' ? reply.bot : undefined;
        },
        SHOWN_MS,
      );
      assert.equal(reason.severity, 'error');
      assert.notEqual(reason.advice, '');
    }
    for (const key of this.#nobodys)
      await poll(`document ${key} to be told`, async () => this.#round.outputs.includes(key) || undefined, SHOWN_MS);
    assert.ok(!outputs.includes(SECRET), 'a payload was printed');
  }

  async remove(): Promise<void> {
    await botsOf(this.#round.stage.client, 'realtime').deleteMany({
      $or: [{ id: { $in: this.#documents } }, { _id: { $in: this.#nobodys.map((key) => new ObjectId(key)) } }],
    });
  }

  async #one(at: number): Promise<void> {
    const { seed, stage } = this.#round;
    const id = `p${seed}-${at}`;
    const message = MESSAGES[at];
    if (message !== undefined) {
      const [subject, payload] = message;
      const { seq } = await stage.api.connection.jetstream().publish(`the0.${subject}`, payload(id));
      this.#messages.push(seq);
      return;
    }
    const bots = botsOf(stage.client, 'realtime');
    const document = DOCUMENTS[at - MESSAGES.length];
    if (document !== undefined) {
      await bots.insertOne(document(id));
      this.#documents.push(id);
      return;
    }
    const nobodys = NOBODYS[at - MESSAGES.length - DOCUMENTS.length];
    if (nobodys === undefined) return;
    const { insertedId } = await bots.insertOne({ ...nobodys });
    this.#nobodys.push(String(insertedId));
  }
}

function withEntrypoints(id: string, entrypoints: unknown): string {
  const event = botEvent(id);
  return JSON.stringify({ ...event, custom: { ...event.custom, config: { ...event.custom.config, entrypoints } } });
}

function withCustom(id: string, more: Document): Document {
  const document = botDocument(id);
  return { ...document, custom: { ...document['custom'], config: { ...document['custom'].config, ...more } } };
}
