import assert from 'node:assert/strict';
import { writeBot } from '../bot-folders.ts';
import { poll, type RuntimeUnderTest } from '../runtime-under-test.ts';
import { WITNESS_NODE, WITNESS_PYTHON } from './bots.ts';
import type { Host } from './host.ts';
import { uniqueId } from './unique-id.ts';

/** A witness has so long for each answer, however bad the luck of the others, and however busy the machine. */
const ANSWER_SECONDS = 20;
const WATCH_PAUSE_MS = 250;

interface Life {
  readonly bot: string;
  readonly query: string;
}

interface Witness {
  readonly id: string;
  readonly containerId: string | null;
  /** On a busy machine a start may have needed more than one try before it was settled. */
  readonly restarts: number;
  readonly life: Life;
}

let batches = 0;

/** Healthy bots that have nothing to do with any row, and must never notice one. */
export class Witnesses {
  readonly #runtime: RuntimeUnderTest;
  readonly #all: readonly Witness[];
  /** What a question in passing found wrong. */
  readonly #complaints: string[] = [];
  #watching: Promise<void> | null = null;
  #end = false;

  private constructor(runtime: RuntimeUnderTest, all: readonly Witness[]) {
    this.#runtime = runtime;
    this.#all = all;
  }

  /** Adds them to a runtime and waits until they answer. Without Python on the host there are only Node bots. */
  static async settle(runtime: RuntimeUnderTest, host: Host): Promise<Witnesses> {
    const batch = batches++;
    const bots = { 'witness-node-a': WITNESS_NODE, 'witness-node-b': WITNESS_NODE, 'witness-python': WITNESS_PYTHON };
    const ids: string[] = [];
    for (const [name, bot] of Object.entries(bots)) {
      if (bot === WITNESS_PYTHON && host.python3 === null && runtime.engine === 'process') continue;
      const id = uniqueId(`${name}-${batch}`);
      await writeBot(runtime.botsDir, { ...bot, id });
      ids.push(id);
    }
    return new Witnesses(runtime, await Promise.all(ids.map((id) => settle(runtime, id))));
  }

  /** One to ask questions that may be wrong in any way. */
  get first(): string {
    const [first] = this.#all;
    assert.ok(first);
    return first.id;
  }

  /** They all run, were not restarted since they had settled, and answer. */
  async undisturbed(): Promise<void> {
    const bots = await this.#runtime.admin.bots();
    for (const { id, containerId, restarts } of this.#all) {
      const bot = bots.find((one) => one.id === id);
      const now = { state: bot?.state, containerId: bot?.containerId, restarts: bot?.restarts };
      assert.deepEqual(
        now,
        { state: 'running', containerId, restarts },
        `witness ${id} was harmed: ${await this.#timelineOf(id)}`,
      );
    }
    for (const problem of await Promise.all(this.#all.map((witness) => this.#ask(witness)))) {
      assert.equal(problem, null);
    }
  }

  async #timelineOf(id: string): Promise<string> {
    const { timeline } = await this.#runtime.admin.why(id);
    return timeline.map(({ at, from, to, reason }) => `\n  ${at} ${from} → ${to}: ${reason.text}`).join('');
  }

  /** Asks them again and again until `stopWatching`. */
  watch(): void {
    this.#watching = this.#watch();
  }

  async stopWatching(): Promise<void> {
    await this.leave();
    assert.deepEqual(this.#complaints, [], 'what the witnesses noticed');
  }

  /** Asks no more. */
  async leave(): Promise<void> {
    this.#end = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#end) {
      const problems = await Promise.all(this.#all.map((witness) => this.#ask(witness)));
      this.#complaints.push(...problems.filter((problem) => problem !== null));
      await new Promise((done) => setTimeout(done, WATCH_PAUSE_MS));
    }
  }

  /** @returns what is wrong with the answer, or null */
  async #ask({ id, life }: Witness): Promise<string | null> {
    const answer = await this.#runtime.ask(id, '/life', {}, ANSWER_SECONDS).catch((error: unknown) => String(error));
    if (typeof answer === 'string') return `witness ${id} could not be asked: ${answer}`;
    const { httpStatus, body } = answer;
    if (httpStatus !== 200) return `witness ${id} did not answer: ${JSON.stringify(body)}`;
    const now = lifeIn(body.data);
    if (now?.bot !== life.bot) return `witness ${id} was started again behind the runtime's back`;
    return now.query === life.query ? null : `the query server of witness ${id} was started again`;
  }
}

/** It runs and answers, and is after the answer what it was before. */
async function settle(runtime: RuntimeUnderTest, id: string): Promise<Witness> {
  return await poll(
    `witness ${id} to settle`,
    async () => {
      const before = await runtime.until(id, 'runs', ({ state }) => state === 'running');
      const life = lifeIn((await runtime.ask(id, '/life', {}, ANSWER_SECONDS)).body.data);
      const { state, containerId, restarts } = await runtime.until(id, 'is known', () => true);
      const isSettled =
        state === 'running' && containerId === before.containerId && restarts === before.restarts && life !== null;
      return isSettled ? { id, containerId, restarts, life } : undefined;
    },
    60_000,
  );
}

function lifeIn(data: unknown): Life | null {
  if (typeof data !== 'object' || data === null || !('bot' in data) || !('query' in data)) return null;
  return typeof data.bot === 'string' && typeof data.query === 'string' ? { bot: data.bot, query: data.query } : null;
}
