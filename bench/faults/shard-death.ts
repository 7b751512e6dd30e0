import process from 'node:process';
import { untilAnswered } from '../adoption/answers.ts';
import { answersQuestion, askInTurn } from './questions.ts';
import type { Scene } from './scene.ts';

export interface ShardDeath {
  /** From the fault until every bot of the shard had answered a question put to its new actor. */
  readonly governedMs: number;
  /** From the fault until the bot that crashed meanwhile was told to start. */
  readonly restartMs: number;
  /** Whether that bot was started by its new actor, so that its crash fell into the outage. */
  readonly wasOutage: boolean;
  /** Bots that were started although they had not crashed. */
  readonly needlessStarts: number;
  /** Longest wait for the answer of a bot on another shard. */
  readonly neighbourMs: number;
}

/** One shard dies by `fault`; at the same moment one of its bots is killed. Resolves when that bot answers again. */
export async function shardDies(scene: Scene, shardId: string, victim: string, fault: () => void): Promise<ShardDeath> {
  const own = scene.onShard(shardId);
  const before = new Map(scene.ids.map((id) => [id, scene.processes(id)]));
  const pid = scene.botPid(victim);
  const neighbours = askInTurn(
    scene,
    scene.ids.filter((id) => !own.includes(id)),
  );
  const begun = performance.now();
  fault();
  process.kill(pid, 'SIGKILL');
  const replaced = await scene.hear(begun, `Shard ${shardId} died`);
  // Whoever answers from here on was made after the death.
  await Promise.all(own.map((id) => answersQuestion(scene, id)));
  const governedMs = performance.now() - begun;
  const restart = await scene.hear(begun, `${victim} starting`);
  const neighbourMs = await neighbours.end();
  await untilAnswered(scene.queryUrl, victim);
  const others = scene.ids.filter((id) => id !== victim);
  return {
    governedMs,
    restartMs: restart.at - begun,
    wasOutage: restart.at >= replaced.at,
    needlessStarts: others.filter((id) => scene.processes(id) !== before.get(id)).length,
    neighbourMs,
  };
}
