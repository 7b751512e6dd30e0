import { KINDS, type Kind } from './kinds.ts';
import { Round, type RoundSize } from './round.ts';
import type { ServicesStage } from './services-stage.ts';

/** The kind of this round; each seed has one. */
export function kindOf(seed: number): Kind {
  return KINDS[seed % KINDS.length] ?? KINDS[0];
}

/** @throws an error that tells what was wrong, how it came about, and how to see it again @returns how often a role was killed */
export async function runRound(seed: number, kind: Kind, stage: ServicesStage, size: RoundSize): Promise<Round> {
  const round = new Round(seed, stage, size, kind.role);
  try {
    await kind.run(round);
    return round;
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const which = `--from ${seed} --rounds 1 --kind ${KINDS.indexOf(kind)} --bots ${size.bots} --kills ${size.kills}`;
    throw new Error(
      `round ${seed}, ${kind.name}: ${what}\nagain: npm run faults -- --services ${which}\n${round.story}`,
      {
        cause: error,
      },
    );
  } finally {
    await round.end();
    await stage.calm();
  }
}
