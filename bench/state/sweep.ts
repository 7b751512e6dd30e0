import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '../parts.ts';
import { median } from '../report.ts';
import { withScene } from './scene.ts';

const FILES_PER_DIRECTORY = 100;
const SETTLED_MS = 100;
const BAR = 2;

/** A tree in which nothing has changed, looked at from end to end. */
export const sweep: Part = async (short) => {
  const directories = short ? 100 : 1_000;
  const rounds = short ? 3 : 9;
  return await withScene(async ({ directory, syncer }) => {
    for (let index = 0; index < directories; index++) {
      const path = join(directory, `group-${index % 10}`, `directory-${index}`);
      mkdirSync(path, { recursive: true });
      for (let file = 0; file < FILES_PER_DIRECTORY; file++)
        writeFileSync(join(path, `file-${file}`), `${index} ${file}`);
    }
    const agent = await syncer();
    const first = await agent.ask({ do: 'sync', bot: 'bot', directory, only: null });
    await sleep(SETTLED_MS);
    await agent.ask({ do: 'sync', bot: 'bot', directory, only: null });
    await agent.ask({ do: 'list', directory });
    const floors: number[] = [];
    const sweeps: number[] = [];
    for (let round = 0; round < rounds; round++) {
      floors.push((await agent.ask({ do: 'lstat' })).ms);
      const { said, ms } = await agent.ask({ do: 'sync', bot: 'bot', directory, only: null });
      if (said !== 'unchanged') throw new Error(`the sweep found a change: ${said}`);
      sweeps.push(ms);
    }
    const [figure, floor] = [median(sweeps), median(floors)];
    const what = `unchanged tree of ${(directories * FILES_PER_DIRECTORY).toLocaleString('en-US')} files: one sweep, beside one lstatSync for each`;
    const ratio = figure / floor;
    return {
      rows: [{ what, figure, unit: 'ms', floor, ratio, bar: `<= ${BAR}`, pass: ratio <= BAR }],
      notes: [
        `Median of ${rounds}, turn by turn in one process. The floor reads no directory: it has the names. The first sync of it: ${(first.ms / 1000).toFixed(1)} s.`,
      ],
    };
  });
};
