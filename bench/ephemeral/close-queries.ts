import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { docker } from '../../test/services/docker.ts';
import type { Part } from '../parts.ts';
import { exactly } from '../report.ts';
import { type EphemeralScene, stoppedBot, withStoppedBots } from './scene.ts';

/** Long enough for all removals; what is left then is left for ever. */
const TIDY_MS = 30_000;

/** Many questions to one bot within a moment, some of them the same (the Go runtime fails 16 of 24). */
export const closeQueries: Part = async (short) => {
  const [count, different] = short ? [50, 4] : [200, 16];
  const bot = stoppedBot('python3.11');
  return await withStoppedBots([bot], async (scene) => {
    const begun = performance.now();
    const answers = await Promise.all(
      Array.from({ length: count }, async (_, nth) => {
        const n = nth % different;
        const { httpStatus, body } = await scene.runtime.ask(bot.id, '/n', { n }, 60);
        const { data } = body;
        return httpStatus === 200 && typeof data === 'object' && JSON.stringify(data) === `{"n":${n}}`
          ? 'right'
          : 'failed';
      }),
    );
    const tookMs = performance.now() - begun;
    const left = await leftovers(scene, bot.id);
    const failed = answers.filter((answer) => answer === 'failed').length;
    return {
      rows: [
        exactly(`${count} close queries to a stopped bot: failed or wrong`, failed, 0, 'queries'),
        exactly('containers and results left behind', left, 0, 'things'),
      ],
      notes: [`${count} queries, ${different} of them different, were answered within ${Math.round(tookMs)} ms`],
    };
  });
};

async function leftovers({ store }: EphemeralScene, botId: string): Promise<number> {
  let left = 0;
  for (const deadline = performance.now() + TIDY_MS; performance.now() < deadline; await sleep(200)) {
    left = (await docker.listContainers({ all: true, filters: { label: [`runtime.id=${botId}`] } })).length;
    for await (const _ of store.list(DEFAULT_BUCKETS.queryResults, `${botId}/`)) left += 1;
    if (left === 0) break;
  }
  return left;
}
