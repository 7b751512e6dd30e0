import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from '../../test/e2e/services/deployment.ts';
import type { Part } from '../parts.ts';
import { atMost, type Row } from '../report.ts';
import { coldStart } from './cold.ts';
import { idsOf, insert, withServices } from './scene.ts';

const MB = 1_000_000;
const BAR_MB = 150;
/** What a start leaves behind is collected by then, or it is needed. */
const SETTLE_MS = 30_000;
/** Far away. */
const YEARLY = '0 0 1 1 *';

/**
 * Memory of each service process at a thousand bots: some run in containers, the others have a runtime that nobody knows, so
 * that they have an actor with a reason each and cost the machine nothing else.
 */
export const memory: Part = (short) => (short ? memoryOf(200, 10) : memoryOf(1_000, 300));

/** @param count bots, @param real those that run */
export async function memoryOf(count: number, real: number): ReturnType<Part> {
  return await withServices(async (deployment) => {
    const bots = idsOf('memory', count).map((id, nth) => (nth < real ? { id } : { id, runtime: 'cobol60' }));
    const { runner } = await coldStart(deployment, bots);
    const queries = await deployment.start('query-server');
    await insert(
      deployment,
      idsOf('yearly', count).map((id) => ({ id, schedule: YEARLY })),
    );
    const scheduler = await deployment.start('bot-scheduler');
    const early = privateMb(runner);
    await sleep(SETTLE_MS);
    const memoryRow = (what: string, service: Service): Row =>
      atMost(`private memory (USS) of ${what}`, privateMb(service), BAR_MB, 'MB');
    const shown = (what: string, service: Service): Row => ({
      ...memoryRow(what, service),
      bar: 'shown only',
      pass: true,
    });
    return {
      rows: [
        memoryRow(`bot-runner, ${count} bots of which ${real} run`, runner),
        shown(`query-server, the same bots and ${count} scheduled ones`, queries),
        shown(`bot-scheduler, ${count} scheduled bots that wait`, scheduler),
      ],
      notes: [
        `With their part of what processes share (PSS): bot-runner ${pssMb(runner).toFixed(0)}, query-server ${pssMb(queries).toFixed(0)}, bot-scheduler ${pssMb(scheduler).toFixed(0)} MB. bot-runner had ${early.toFixed(0)} MB of private memory right after the start.`,
      ],
    };
  });
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
