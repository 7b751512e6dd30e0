import { randomBytes, randomInt } from 'node:crypto';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentLimits, DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { BOT_USER } from '../../src/engine/docker/bot-directories.ts';
import { DEFAULT_BUCKETS, type ObjectStore } from '../../src/storage/object-store.ts';
import type { Part } from '../parts.ts';
import { atMost, median } from '../report.ts';
import { until } from './container.ts';
import { type Scene, withScene } from './scene.ts';

const BAR_MS = 2_000;
const FOLDERS = 100;
const FILES_IN_EACH = 10;
const FILE_BYTES = 100_000;
const CHANGE_BYTES = 4 * 1024;
const LOOK_MS = 5;

const BOT = 'import time\ndef main(bot_id, config):\n    time.sleep(3600)\n';

/** From the end of a write into a large state to its upload being done. Two bots; while one is measured the other is idle. */
export const upload: Part = async (short) => {
  const rounds = short ? 5 : 25;
  const restedRounds = short ? 1 : 2;
  return await withScene(async (scene) => {
    // The budget is for the long run: it delays what a bot writes again and again, and would be all that is seen here.
    const free = await largeBot(scene, 'free', { stateBytesPerSecond: 0 });
    const bounded = await largeBot(scene, 'bounded', {});
    const spentAt = performance.now();
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await sleep(1_500);
      times.push(await free.write());
    }
    // Each moves all of the state in the store, of which the budget is in debt for so long.
    const debtMs = (STATE_BYTES / BUDGET.stateBytesPerSecond) * 1_000;
    const rested: number[] = [];
    for (let round = 0, from = spentAt; round < restedRounds; round += 1) {
      await sleep(Math.max(0, from + debtMs + 1_000 - performance.now()));
      rested.push(await bounded.write());
      from = performance.now();
    }
    // The first of them is still paid ahead.
    const again = [await bounded.write(), await bounded.write()];
    const what = '4 KiB written into a state of 100 MB in 1,000 files, until stored';
    const sorted = times.sort((a, b) => a - b);
    return {
      rows: [
        atMost(`${what}, p50`, median(sorted), BAR_MS, 'ms'),
        atMost(`${what}, p90`, sorted[Math.ceil(rounds * 0.9) - 1] ?? Number.NaN, BAR_MS, 'ms'),
        atMost(
          `the same with the default budget, after ${rest(debtMs)} of rest: worst`,
          Math.max(...rested),
          BAR_MS,
          'ms',
        ),
        atMost(
          'the same with the default budget, the two right after it: worst',
          Math.max(...again),
          BUDGET.stateFlushCapMs + BAR_MS,
          'ms',
        ),
      ],
      notes: [
        `${rounds} writes at any depth; worst ${Math.max(...sorted).toFixed(0)} ms. Without a budget of bytes moved.`,
        `With the default budget (${BUDGET.stateBytesPerSecond} bytes per second, ${BUDGET.stateCreditMs / 1000} s of it ahead of time): ${restedRounds} ${restedRounds === 1 ? 'write' : 'writes'} when it owes nothing any more, and two right after the last. Every write has the store copy the 100 MB.`,
      ],
    };
  });
};

const BUDGET = DEFAULT_AGENT_LIMITS;
const STATE_BYTES = FOLDERS * FILES_IN_EACH * FILE_BYTES;

function rest(ms: number): string {
  return `${Math.ceil(ms / 1_000)} s`;
}

/** Runs, and has stored its state once. */
async function largeBot(scene: Scene, name: string, limits: Partial<AgentLimits>) {
  const state = join(scene.directory, name);
  await makeState(state);
  const id = `bench-upload-${process.pid}-${name}`;
  const definition = await scene.deploy({ id, runtime: 'python3.11', files: { 'main.py': BOT } });
  const container = await scene.create(definition, { limits, stateDirectory: state });
  await container.start();
  await until('the first upload', async () => await versionOf(scene.store, id), 120_000);
  return {
    /** @returns milliseconds from the end of the write until it is stored */
    async write(): Promise<number> {
      const before = await versionOf(scene.store, id);
      await writeFile(fileIn(state, randomInt(FOLDERS), randomInt(FILES_IN_EACH)), randomBytes(CHANGE_BYTES));
      const written = performance.now();
      const isNew = async () => ((await versionOf(scene.store, id)) === before ? null : true);
      await until('an upload', isNew, 120_000, LOOK_MS);
      return performance.now() - written;
    },
  };
}

async function makeState(state: string): Promise<void> {
  for (let folder = 0; folder < FOLDERS; folder += 1) {
    await mkdir(dirname(fileIn(state, folder, 0)), { recursive: true });
    for (let file = 0; file < FILES_IN_EACH; file += 1) {
      await writeFile(fileIn(state, folder, file), randomBytes(FILE_BYTES));
    }
  }
  await chown(state, BOT_USER, BOT_USER);
}

/** From one to four folders deep. */
function fileIn(state: string, folder: number, file: number): string {
  const above = Array.from({ length: folder % 4 }, (_, level) => `level-${level}`);
  return join(state, ...above, `folder-${folder}`, `file-${file}`);
}

async function versionOf(store: ObjectStore, id: string): Promise<string | null> {
  const info = await store.head({ bucket: DEFAULT_BUCKETS.state, key: `${id}/state.tar.gz` });
  return info?.etag ?? null;
}
