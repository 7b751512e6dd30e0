import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdminClient } from '../../src/admin/admin-client.ts';
import { poll } from '../../test/e2e/runtime-under-test.ts';
import type { Service } from '../../test/e2e/services/deployment.ts';
import type { Part } from '../parts.ts';
import { atMost } from '../report.ts';
import { PartlyDocker } from './partly-docker.ts';
import { idsOf, insert, withServices } from './scene.ts';

const MB = 1_000_000;
const BAR_MB = 150;
/** What a start leaves behind is collected by then, or it is needed. */
const SETTLE_MS = 30_000;
const PATIENCE_MS = 600_000;
/** Far away. */
const YEARLY = '0 0 1 1 *';

/**
 * Memory of each service process at a thousand realtime bots: some run in containers, of the others the containers are only on
 * paper (PartlyDocker), and as many scheduled ones that wait.
 */
export const memory: Part = (short) => (short ? memoryOf(200, 10) : memoryOf(1_000, 300));

/** @param count bots, @param real those that run on this machine */
export async function memoryOf(count: number, real: number): ReturnType<Part> {
  return await withServices(async (deployment) => {
    const ids = idsOf('memory', count);
    const paper = new Set(ids.slice(real));
    const engine = await PartlyDocker.listen((botId) => paper.has(botId));
    try {
      const { program } = deployment;
      deployment.program = { ...program, env: { ...program.env, DOCKER_HOST: engine.host } };
      await insert(
        deployment,
        ids.map((id) => ({ id })),
      );
      const runner = await deployment.start('bot-runner');
      await poll(
        `${count} bots to run`,
        async () => (await runningBots(runner)) === count || undefined,
        PATIENCE_MS,
        500,
      );
      await insert(
        deployment,
        idsOf('yearly', count).map((id) => ({ id, schedule: YEARLY })),
      );
      const queries = await deployment.start('query-server');
      const scheduler = await deployment.start('bot-scheduler');
      const early = privateMb(runner);
      await sleep(SETTLE_MS);
      const services = [
        [`bot-runner, ${count} bots of which ${real} run here`, runner],
        [`query-server, the same bots and ${count} scheduled ones`, queries],
        [`bot-scheduler, ${count} scheduled bots that wait`, scheduler],
      ] as const;
      const rows = services.map(([what, service]) =>
        atMost(`private memory (USS) of ${what}`, privateMb(service), BAR_MB, 'MB'),
      );
      const sum = rows.reduce((total, { figure }) => total + figure, 0);
      const parts = services.map(([what, service]) => `${what.split(',')[0]} ${pssMb(service).toFixed(0)}`);
      return {
        rows,
        notes: [
          `Together ${sum.toFixed(0)} MB. With their part of what processes share (PSS): ${parts.join(', ')} MB. bot-runner had ${early.toFixed(0)} MB of private memory right after the start. The other ${engine.running} bots run on paper. Processes as in the image.`,
        ],
      };
    } finally {
      await engine.close();
    }
  });
}

/** As the runtime itself says it. */
async function runningBots({ dataDir }: Service): Promise<number> {
  const bots = await createAdminClient(join(dataDir, 'admin.sock'), { answerMs: 10_000, queryMarginMs: 0 }).bots();
  return bots.filter(({ state }) => state === 'running').length;
}

function privateMb({ process: { pid } }: Service): number {
  return sumOf(pid, /^Private_(?:Clean|Dirty):\s+(\d+) kB/gm) / MB;
}

function pssMb({ process: { pid } }: Service): number {
  return sumOf(pid, /^Pss:\s+(\d+) kB/gm) / MB;
}

/** In bytes. */
function sumOf(pid: number | undefined, lines: RegExp): number {
  let kilobytes = 0;
  for (const [, found] of readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1').matchAll(lines))
    kilobytes += Number(found);
  return kilobytes * 1_024;
}
