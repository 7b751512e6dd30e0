import type { Scene } from './scene.ts';

const QUESTION_DEADLINE_MS = 50;
const GIVE_UP_MS = 20_000;

/** Asks a bot's actor until it answers. */
export async function answersQuestion({ runtime }: Scene, botId: string): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS;
  while ((await runtime.supervisor.ask(botId, QUESTION_DEADLINE_MS)) === null) {
    if (performance.now() > deadline) throw new Error(`the actor of ${botId} does not answer any more`);
  }
}

/** Asks these bots' actors in turn. `end` tells the longest wait for an answer, infinite when there was none. */
export function askInTurn({ runtime }: Scene, ids: readonly string[]): { end: () => Promise<number> } {
  let ended = false;
  const asking = (async () => {
    let longestMs = 0;
    for (let turn = 0; !ended && ids.length > 0; turn += 1) {
      const asked = performance.now();
      const answer = await runtime.supervisor.ask(ids[turn % ids.length] ?? '', GIVE_UP_MS);
      if (answer === null) return Number.POSITIVE_INFINITY;
      longestMs = Math.max(longestMs, performance.now() - asked);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return longestMs;
  })();
  return {
    end: () => {
      ended = true;
      return asking;
    },
  };
}
