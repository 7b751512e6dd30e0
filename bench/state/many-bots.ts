import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import type { Part } from '../parts.ts';
import { atMost } from '../report.ts';
import { withScene } from './scene.ts';
import { cpuMsOf, privateBytes } from './syncing-process.ts';

const STATE_BYTES = 10_000_000;
const FILES = 100;
const SMALL_BYTES = 1_000;
const EVERY_SECONDS = 10;

/** Many bots, each with a state of 10 MB of which a small file is written every ten seconds. One process syncs for all. */
export const manyBots: Part = async (short) => {
  const bots = short ? 20 : 200;
  const seconds = short ? 20 : 60;
  return await withScene(async ({ directory, minio, syncer }) => {
    const agent = await syncer();
    for (let bot = 0; bot < bots; bot++) {
      const state = join(directory, `bot-${bot}`);
      mkdirSync(state);
      for (let file = 0; file < FILES; file++)
        writeFileSync(join(state, `file-${file}`), randomBytes(STATE_BYTES / FILES));
      await agent.ask({ do: 'sync', bot: `bot-${bot}`, directory: state, only: null });
    }
    await sleep(1_000);
    const storeBefore = cpuMsOf(minio.pid);
    const writers = setInterval(() => writeAll(directory, bots), EVERY_SECONDS * 1000);
    writeAll(directory, bots);
    const done = await agent.ask({ do: 'sync-many', directory, bots, seconds, everySeconds: EVERY_SECONDS });
    clearInterval(writers);
    const storeMs = cpuMsOf(minio.pid) - storeBefore;

    const perBotAndSecond = (figure: number) => figure / bots / (done.ms / 1000);
    const { stateBytesPerSecond: budget } = DEFAULT_AGENT_LIMITS;
    const figure = perBotAndSecond(done.sentBytes + done.copiedBytes);
    const cores = (ms: number) => `${((ms / done.ms) * 100).toFixed(0)} % of a core`;
    return {
      rows: [
        atMost(
          `${bots} bots of 10 MB, a small write every ${EVERY_SECONDS} s: bytes sent and copied, per bot and second`,
          figure,
          budget,
          'B',
        ),
      ],
      notes: [
        `The bar is the budget that each bot has by default (--agent-state-bytes-per-second).`,
        `${(done.ms / 1000).toFixed(0)} s: sent ${perBotAndSecond(done.sentBytes).toFixed(0)} B and copied in the store ${perBotAndSecond(done.copiedBytes).toLocaleString('en-US', { maximumFractionDigits: 0 })} B per bot and second. CPU: the side that syncs ${cores(done.cpuMs)} (${(done.cpuMs / bots / (seconds / EVERY_SECONDS)).toFixed(1)} ms per write), MinIO ${cores(storeMs)}. One process syncs for all bots, where there would be one beside each; it has ${(privateBytes(agent.pid) / 1_000_000).toFixed(0)} MB of private memory in the end.`,
      ],
    };
  });
};

function writeAll(directory: string, bots: number): void {
  for (let bot = 0; bot < bots; bot++)
    writeFileSync(join(directory, `bot-${bot}`, 'small.json'), randomBytes(SMALL_BYTES));
}
