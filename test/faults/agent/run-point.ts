import { Random } from '../../simulation/random.ts';
import { KINDS, type Kind } from './kinds.ts';
import type { Agent } from './minio-stage.ts';
import { Point, type Stage } from './point.ts';

const canMount = process.getuid?.() === 0;

/** The kind of this point; each seed has one. */
export function kindOf(seed: number): Kind {
  const kinds = KINDS.filter(({ needsRoot }) => needsRoot !== true || canMount);
  let left = new Random(seed).next() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  throw new Error('there are no kinds');
}

/** @throws an error that tells what was wrong, how it came about, and how to see it again */
export async function runPoint(seed: number, kind: Kind, stage: Stage, agent: Agent): Promise<void> {
  const point = await Point.begin(`bot-${KINDS.indexOf(kind)}-${seed}`, seed, stage);
  try {
    await kind.run(point);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const which = `--from ${seed} --points 1 --kind ${KINDS.indexOf(kind)} --agent ${agent}`;
    const again = `npm run faults -- ${which} --outage ${stage.longestOutageMs / 1000}`;
    throw new Error(`point ${seed}, ${kind.name}: ${what}\nagain: ${again}\n${point.story}`, { cause: error });
  } finally {
    await point.end();
  }
}
