import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '../parts.ts';
import { median, type Row } from '../report.ts';
import type { Answer } from './protocol.ts';
import { withScene } from './scene.ts';

const SMALL_BYTES = 4 * 1024;
/** What changes: first, last and between in the archive, and at several depths. */
const SMALL = ['a/a/a/a/a/a/first.json', 'd4/d4/middle.json', 'last.json', 'd7/d7/d7/d7/deep.json'];
const SETTLED_MS = 100;

/** A state of 100 MB in 1,000 files, of which one of 4 KiB changes. */
export const oneChange: Part = async (short) => {
  const largeFiles = (short ? 200 : 1_000) - SMALL.length;
  const rounds = short ? 2 : 5;
  return await withScene(async ({ directory, syncer }) => {
    for (let index = 0; index < largeFiles; index++) {
      const depth = index % 10;
      write(join(directory, `d${depth}/`.repeat(depth), `file-${index}`), 100_000);
    }
    for (const name of SMALL) write(join(directory, name), SMALL_BYTES);

    const agent = await syncer();
    const all = await agent.ask({ do: 'upload-all', directory });
    const first = await agent.ask({ do: 'sync', bot: 'bot', directory, only: null });
    await sleep(SETTLED_MS);
    await agent.ask({ do: 'sync', bot: 'bot', directory, only: null });
    const changes: Answer[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const name of SMALL) {
        write(join(directory, name), SMALL_BYTES);
        const only = [dirname(name) === '.' ? '' : dirname(name)];
        changes.push(await agent.ask({ do: 'sync', bot: 'bot', directory, only }));
        await sleep(SETTLED_MS);
      }
    }
    const sent = Math.max(...changes.map(({ sentBytes }) => sentBytes));
    const cpu = Math.max(...changes.map(({ cpuMs }) => cpuMs));
    const ms = median(changes.map((change) => change.ms));
    const state = `${largeFiles + SMALL.length} files`;
    return {
      rows: [
        share(
          `4 KiB of ${state} change: bytes sent, at most, beside hash + gzip + PUT of all`,
          sent,
          all.sentBytes,
          1_000,
          'B',
        ),
        share('the same: CPU of the agent, at most', cpu, all.cpuMs, 20, 'ms'),
      ],
      notes: [
        `${changes.length} changes, as a watch would name their directories: ${ms.toFixed(0)} ms from write to stored (p50; without the watch's debounce), ${median(changes.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms CPU, ${median(changes.map(({ copiedBytes }) => copiedBytes)).toLocaleString('en-US')} bytes copied in the store.`,
        `Hash + gzip + PUT of all: ${all.ms.toFixed(0)} ms, ${all.cpuMs.toFixed(0)} ms CPU. The first sync of it: ${first.ms.toFixed(0)} ms, ${first.cpuMs.toFixed(0)} ms CPU, ${first.sentBytes.toLocaleString('en-US')} bytes.`,
      ],
    };
  });
};

function write(path: string, bytes: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, randomBytes(bytes));
}

/** @param least so many times smaller than the floor it must be */
function share(what: string, figure: number, floor: number, least: number, unit: string): Row {
  const ratio = figure / floor;
  return { what, figure, unit, floor, ratio, bar: `<= 1/${least.toLocaleString('en-US')}`, pass: ratio <= 1 / least };
}
