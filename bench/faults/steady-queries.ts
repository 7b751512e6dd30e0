import { Agent, request } from 'node:http';

/** One query as its asker saw it; times on the clock of `performance.now`. */
export interface Asked {
  readonly begunAt: number;
  readonly endedAt: number;
  readonly ok: boolean;
}

/** Asks all the time: one kept-alive connection per bot, one query at a time on each. */
export class SteadyQueries {
  readonly #url: string;
  readonly #pauseMs: number;
  readonly #agents: Agent[] = [];
  readonly #loops: Promise<void>[];
  readonly #asked: Asked[] = [];
  #ended = false;

  /** @param pauseMs of each connection after an answer, or after none */
  constructor(queryUrl: string, botIds: readonly string[], pauseMs: number) {
    this.#pauseMs = pauseMs;
    this.#url = `${queryUrl}/query`;
    this.#loops = botIds.map((id) => this.#askOn(id));
  }

  /** All that were begun at or after `since` and have ended. */
  since(since: number): Asked[] {
    return this.#asked.filter(({ begunAt }) => begunAt >= since);
  }

  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#loops);
    for (const agent of this.#agents) agent.destroy();
  }

  async #askOn(botId: string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#agents.push(agent);
    const body = JSON.stringify({ bot_id: botId, query_path: '/pid', timeout_sec: 5 });
    while (!this.#ended) {
      const begunAt = performance.now();
      const ok = await this.#ask(agent, body);
      this.#asked.push({ begunAt, endedAt: performance.now(), ok });
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
    }
  }

  #ask(agent: Agent, body: string): Promise<boolean> {
    return new Promise((resolve) => {
      const call = request(this.#url, { method: 'POST', agent }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode === 200));
        response.on('error', () => resolve(false));
      });
      call.on('error', () => resolve(false));
      call.end(body);
    });
  }
}
