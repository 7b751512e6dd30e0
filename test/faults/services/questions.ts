import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { DEFAULT_BUCKETS, type ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { runCli } from '../../commands/run-cli.ts';
import { botDocument } from '../../desired/mongodb/bot-documents.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import { docker } from '../../services/docker.ts';
import { Random } from '../../simulation/random.ts';
import { filePathOf, TELLING } from './code.ts';
import type { Round } from './round.ts';

const SETTLES_MS = 150_000;
const ASKERS = 6;
/** Of which each must get its own answer. */
const PARAMETERS = [0, 1, 2] as const;
const TIMEOUT_SECONDS = 5;
/** Long after its time, so that a question without an answer is one that nobody will answer. */
const HANGS_MS = 60_000;
const SERVICES = ['mongo', 'nats', 'minio', 'docker'] as const;
/** Never due while it is asked. */
const YEARLY = '0 0 1 1 *';

/**
 * Somebody asks all the time, bots that run and bots that do not, while the query server is killed again and again and
 * services are in trouble. Another process keeps the bots.
 */
export async function questioned(round: Round): Promise<void> {
  const { random, size, stage, bots } = round;
  round.keep('bot-runner');
  await round.createAll();
  // Half of those that may be touched do not run, and are asked by containers of their own.
  for (const bot of bots.slice(Math.ceil((round.untouched + bots.length) / 2))) await bot.change(stage, 'disabled');
  round.start();
  const questions = await Questions.begin(round);
  try {
    await round.settles();
    while (round.kills < size.kills) {
      if (random.chance(0.7)) await questions.goOn();
      if (random.chance(0.7)) {
        await round.trouble(random.pick(SERVICES));
        await delay(random.between(0, 4_000));
        if (random.chance(0.6)) await round.mend();
      }
      if (random.chance(0.7)) await round.role.isUp();
      await delay(random.between(0, 2_000));
      await round.kill();
      round.start(random.chance(0.15) ? 'new' : 'same');
      await delay(random.between(0, 1_000));
      await round.mend();
      await round.standsUp();
      if (random.chance(0.5)) await round.publishSome(2);
    }
    await round.settles();
    await questions.end();
    await questions.areAnswered();
    await questions.leftNothing();
    round.checkOutputs();
  } finally {
    await questions.close();
  }
  await round.removeAll();
}

/** What came of the questions of one round. */
class Questions {
  readonly #round: Round;
  /** Not the round's: how often is asked depends on how fast answers are. */
  readonly #random: Random;
  readonly #results: ObjectStore;
  readonly #scheduled: string;
  /** In sentences. */
  readonly #wrong: string[] = [];
  readonly #asking: Promise<unknown>;
  #ended = false;
  #right = 0;
  #failed = 0;

  private constructor(round: Round) {
    this.#round = round;
    this.#random = new Random(round.seed);
    this.#results = openS3Store(round.stage.minio.access);
    this.#scheduled = `e${round.seed}`;
    this.#asking = Promise.all(Array.from({ length: ASKERS }, () => this.#askOn()));
  }

  static async begin(round: Round): Promise<Questions> {
    const questions = new Questions(round);
    const id = questions.#scheduled;
    const { custom, ...document } = botDocument(id, { n: 1, of: id, schedule: YEARLY });
    const about = { ...custom, filePath: filePathOf(TELLING), config: { ...custom.config, type: 'scheduled' } };
    await botsOf(round.stage.client, 'scheduled').insertOne({ ...document, custom: about });
    return questions;
  }

  /** Waits for some more answers. */
  async goOn(): Promise<void> {
    const enough = this.#right + 8;
    await poll(
      'questions to be answered',
      async () => {
        await this.#round.standsUp();
        return this.#right >= enough || undefined;
      },
      SETTLES_MS,
    );
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#asking;
    this.#round.note(`questions: ${this.#right} were answered, ${this.#failed} were not`);
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#asking;
    this.#results.close();
    await botsOf(this.#round.stage.client, 'scheduled').deleteOne({ id: this.#scheduled });
  }

  /** In peace each bot answers for itself, on its latest config, and one that is gone does not. */
  async areAnswered(): Promise<void> {
    assert.deepEqual(this.#wrong, []);
    // Those of a query server that was killed still leave results.
    await this.#noContainerIsLeft();
    const left = new Set(await this.#stored());
    const bots = this.#round.bots.map(({ id, n, wish }) => ({ id, n: wish === 'deleted' ? null : n }));
    for (const { id, n } of [...bots, { id: this.#scheduled, n: 1 }]) {
      let last: unknown = null;
      await poll(
        `${id} to answer with n ${n}`,
        async () => {
          await this.#round.standsUp();
          const answer = await this.#ask(id, 1).catch((error: unknown) => ({ httpStatus: 0, body: String(error) }));
          last = answer;
          return (n === null ? answer.httpStatus === 404 : whoOf(answer.body)?.n === n) || undefined;
        },
        SETTLES_MS,
        200,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}: ${JSON.stringify(last)}`);
      });
      await Promise.all(PARAMETERS.map((k) => this.#ask(id, k)));
    }
    assert.deepEqual(this.#wrong, []);
    // A result is removed behind its answer.
    await poll(
      'no further result to be left',
      async () => (await this.#stored()).every((key) => left.has(key)) || undefined,
      SETTLES_MS,
      200,
    );
  }

  /** Not even of those that were killed in the middle, once the time of the runs is over and the next sweeps were there. */
  async leftNothing(): Promise<void> {
    const { env } = this.#round.stage;
    await this.#noContainerIsLeft();
    await poll(
      'no result of a question to be left',
      async () => {
        if ((await this.#stored()).length === 0) return true;
        await runCli(['gc', '--gc-stale', '1m'], { env });
        return undefined;
      },
      SETTLES_MS,
      3_000,
    );
  }

  async #noContainerIsLeft(): Promise<void> {
    const label = [`the0.instance=${this.#round.stage.instance}`, 'the0.role=query'];
    await poll(
      'no container of a question to be left',
      async () => (await docker.listContainers({ all: true, filters: { label } })).length === 0 || undefined,
      SETTLES_MS,
      500,
    );
  }

  async #stored(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.#results.list(DEFAULT_BUCKETS.queryResults, '')) keys.push(key);
    return keys;
  }

  async #askOn(): Promise<void> {
    const random = this.#random;
    const { bots } = this.#round;
    while (!this.#ended) {
      if (this.#round.role.queryUrl === null) {
        await delay(50);
        continue;
      }
      // One more than there are bots: the scheduled one.
      const id = bots[random.between(0, bots.length)]?.id ?? this.#scheduled;
      await this.#ask(id, random.pick(PARAMETERS)).catch((error: unknown) => {
        this.#failed += 1;
        const isHung = error instanceof DOMException && error.name === 'TimeoutError';
        if (isHung) this.#wrong.push(`a question to ${id} has got no answer within ${HANGS_MS / 1_000} s`);
      });
      await delay(random.between(0, 200));
    }
  }

  /** @throws whatever a connection that breaks gives */
  async #ask(id: string, k: number): Promise<{ readonly httpStatus: number; readonly body: unknown }> {
    const url = this.#round.role.queryUrl;
    if (url === null) throw new Error('there is nobody to ask');
    const response = await fetch(`${url}/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ bot_id: id, query_path: '/who', params: { k }, timeout_sec: TIMEOUT_SECONDS }),
      signal: AbortSignal.timeout(HANGS_MS),
    });
    const body: unknown = await response.json();
    if (response.status === 200 && isOk(body)) this.#check(id, k, body);
    else this.#failed += 1;
    return { httpStatus: response.status, body };
  }

  #check(id: string, k: number, body: unknown): void {
    const who = whoOf(body);
    const latest = this.#round.bots.find((bot) => bot.id === id)?.n ?? 1;
    const isRight = who !== null && who.bot === id && who.of === id && who.k === k && who.n >= 1 && who.n <= latest;
    if (isRight) this.#right += 1;
    else this.#wrong.push(`${id} was asked ${k}, and answered ${JSON.stringify(body)}`);
  }
}

interface Who {
  readonly bot: string;
  /** Of its config: the bot and the number of the event. */
  readonly of: string;
  readonly n: number;
  readonly k: number;
}

/** @returns null for no answer of these bots */
function whoOf(body: unknown): Who | null {
  if (!isOk(body) || typeof body.data !== 'object' || body.data === null) return null;
  const { bot, config, k } = { bot: '', config: {}, k: Number.NaN, ...body.data };
  const { of, n } = { of: '', n: Number.NaN, ...config };
  return { bot: String(bot), of: String(of), n: Number(n), k: Number(k) };
}

function isOk(body: unknown): body is { readonly status: 'ok'; readonly data?: unknown } {
  return typeof body === 'object' && body !== null && 'status' in body && body.status === 'ok';
}
