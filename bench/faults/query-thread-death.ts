import { poll } from '../../test/e2e/runtime-under-test.ts';
import { QUERY_THREADS, type Scene } from './scene.ts';
import { SteadyQueries } from './steady-queries.ts';

export interface QueryThreadDeath {
  readonly queries: number;
  /** Queries that got no answer or a bad one. */
  readonly failed: number;
  /** Of these, begun after the death was known: they cannot have been in flight on the thread. */
  readonly failedLater: number;
  /** Longest time without any answer. */
  readonly silenceMs: number;
}

const REST_MS = 1000;
/** Those who ask are in the process that must replace the threads: trying without pause would only hold it up. */
const REFUSED_PAUSE_MS = 5;
const DIED = 'a query thread ended';

/** One of the query threads dies under load. */
export async function oneQueryThreadDies(scene: Scene): Promise<QueryThreadDeath> {
  const load = new SteadyQueries(scene.queryUrl, scene.ids, 0);
  try {
    await pause(REST_MS);
    const begun = performance.now();
    scene.runtime.frontEnd.killThread(0);
    const death = await scene.hear(begun, DIED);
    await pause(REST_MS);
    const asked = load.since(begun - REST_MS);
    const failed = asked.filter(({ ok }) => !ok);
    const answers = asked.flatMap(({ ok, endedAt }) => (ok && endedAt >= begun ? [endedAt] : [])).sort((a, b) => a - b);
    const gaps = answers.map((at, index) => at - (answers[index - 1] ?? begun));
    return {
      queries: asked.length,
      failed: failed.length,
      failedLater: failed.filter(({ begunAt }) => begunAt > death.at).length,
      silenceMs: answers.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...gaps),
    };
  } finally {
    await load.end();
  }
}

/**
 * All query threads die under load, so that nobody is left on the port.
 * @returns milliseconds until a query begun after the last death was answered
 */
export async function allQueryThreadsDie(scene: Scene): Promise<number> {
  const load = new SteadyQueries(scene.queryUrl, scene.ids, REFUSED_PAUSE_MS);
  try {
    await pause(REST_MS);
    const begun = performance.now();
    for (let index = 0; index < QUERY_THREADS; index += 1) scene.runtime.frontEnd.killThread(index);
    const lastDeath = await poll(
      'all query threads to die',
      async () => scene.told.filter(({ at, text }) => at >= begun && text.includes(DIED))[QUERY_THREADS - 1],
      10_000,
      1,
    );
    const answered = await poll('an answer', async () => load.since(lastDeath.at).find(({ ok }) => ok), 20_000, 1);
    return answered.endedAt - begun;
  } finally {
    await load.end();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
