import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beginState, changeState } from '../../test/agent/state/busy-bot.ts';
import { listTree } from '../../test/storage/archive/other-readers.ts';
import type { Part } from '../parts.ts';
import { exactly, median, type Row } from '../report.ts';
import { withScene } from './scene.ts';

const BALLAST_BYTES = 10_000_000;
const RESTORES = 5;

/** Many small syncs of a state that changes in every way, beside one of the same state that is stored at once. */
export const history: Part = async (short) => {
  const syncs = short ? 100 : 1_000;
  return await withScene(async ({ directory, syncer, storedBytes }) => {
    const source = join(directory, 'source');
    mkdirSync(source);
    beginState(source, BALLAST_BYTES, randomBytes);
    const agent = await syncer();
    const sent: number[] = [];
    for (let turn = 0; turn < syncs; turn++) {
      if (turn > 0) changeState(source, turn);
      const { said, sentBytes } = await agent.ask({ do: 'sync', bot: 'old', directory: source, only: null });
      if (said !== 'uploaded') throw new Error(`sync ${turn}: ${said}`);
      sent.push(sentBytes);
    }
    await agent.ask({ do: 'sync', bot: 'fresh', directory: source, only: null });
    const times = { old: [] as number[], fresh: [] as number[] };
    let differences = 0;
    const wanted = JSON.stringify(asStored(source));
    for (let round = 0; round < RESTORES; round++) {
      for (const bot of ['old', 'fresh'] as const) {
        const target = join(directory, `${bot}-${round}`);
        await agent.ask({ do: 'forget', bot });
        const { ms } = await agent.ask({ do: 'restore', bot, directory: target });
        times[bot].push(ms);
        if (JSON.stringify(asStored(target)) !== wanted) differences += 1;
      }
    }
    const [old, fresh] = [await storedBytes('old'), await storedBytes('fresh')];
    const after = `after ${syncs.toLocaleString('en-US')} syncs`;
    return {
      rows: [
        exactly(`${after}: restores that differ from the bot's tree`, differences, 0, 'trees'),
        beside(`${after}: size of the archive, beside a fresh one`, old, fresh, 2, 'B'),
        beside(
          `${after}: time to restore, beside that of a fresh one`,
          median(times.old),
          median(times.fresh),
          1.5,
          'ms',
        ),
      ],
      notes: [
        `About ten files of ${listTree(source).length} change, come or go between two syncs; ${median(sent).toLocaleString('en-US')} bytes sent for each (p50), ${Math.max(...sent.slice(1)).toLocaleString('en-US')} at most.`,
      ],
    };
  });
};

/** Without the times of directories and links, which nobody promises. */
function asStored(directory: string): unknown[] {
  return listTree(directory).map(({ name, type, mode, target, sha256 }) => [
    name,
    type,
    type === '2' ? 0 : mode,
    target,
    sha256,
  ]);
}

function beside(what: string, figure: number, floor: number, most: number, unit: string): Row {
  const ratio = figure / floor;
  return { what, figure, unit, floor, ratio, bar: `<= ${most}`, pass: ratio <= most };
}
