import { answersQuestion } from './questions.ts';
import { type Scene, SHARDS } from './scene.ts';

/** A shard dies of an error of its own, whichever it is. */
export async function shardThrows(scene: Scene, light: () => Promise<void>) {
  const before = scene.ids.map(scene.processes);
  const begun = performance.now();
  await light();
  const { text } = await scene.hear(begun, 'thrown on purpose');
  const shardId = SHARDS.find((id) => text.includes(id));
  if (shardId === undefined) throw new Error(`which shard died is not told: ${text}`);
  await Promise.all(scene.onShard(shardId).map((id) => answersQuestion(scene, id)));
  const governedMs = performance.now() - begun;
  const after = scene.ids.map(scene.processes);
  return { governedMs, needlessStarts: after.filter((is, index) => is !== before[index]).length };
}
