import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '../parts.ts';
import { atMost, type Row } from '../report.ts';
import { addressOf, megabytesOfEach, until } from './container.ts';
import { type CodeOfBot, type Scene, withScene } from './scene.ts';

const EXAMPLES = join(import.meta.dirname, '../../images/bots');
const QUERY_PORT = 9476;
/** The bots go on meanwhile: a line and a change of the state every second. */
const SETTLE_MS = 60_000;

const KINDS = [
  { name: 'Node', example: 'price-alerts', runtime: 'nodejs20', question: '/price', barMb: 21 },
  { name: 'Python', example: 'grid-trader', runtime: 'python3.11', question: '/status', barMb: 22 },
] as const;

/**
 * Private memory of everything in a container of an example bot, its query server having answered once. A few of each kind
 * run at once: what their processes share with those of other containers belongs to nobody.
 */
export const wholeContainer: Part = async (short) => {
  const copies = short ? 2 : 5;
  return await withScene(async (scene) => {
    const groups = [];
    for (const kind of KINDS) {
      const containers = [];
      for (let copy = 0; copy < copies; copy += 1) {
        const id = `bench-${kind.example}-${process.pid}-${copy}`;
        containers.push(await startExample(scene, id, kind));
      }
      groups.push({ kind, containers });
    }
    for (const { kind, containers } of groups) {
      for (const container of containers) {
        const url = `http://${await addressOf(container)}:${QUERY_PORT}${kind.question}`;
        await until(`an answer of ${kind.example}`, () => answerOf(url));
      }
    }
    await sleep(SETTLE_MS);
    const rows: Row[] = [];
    const notes: string[] = [];
    for (const { kind, containers } of groups) {
      const each: (readonly number[])[] = [];
      for (const container of containers) each.push(await megabytesOfEach(container));
      const sums = each.map((container) => container.reduce((sum, one) => sum + one, 0));
      const mean = sums.reduce((sum, one) => sum + one, 0) / copies;
      rows.push(
        atMost(`private memory of a whole container, ${kind.name} bot: mean of ${copies}`, mean, kind.barMb, 'MB'),
      );
      rows.push(
        atMost(`private memory of a whole container, ${kind.name} bot: worst`, Math.max(...sums), kind.barMb, 'MB'),
      );
      const one = (each[0] ?? []).map((part) => part.toFixed(1)).join(' + ');
      notes.push(
        `${kind.name}, one of them: ${one} MB (init, agent, query server and bot), measured ${SETTLE_MS / 1000} s after the query.`,
      );
    }
    return { rows, notes };
  });
};

async function startExample(scene: Scene, id: string, kind: (typeof KINDS)[number]) {
  const folder = join(EXAMPLES, kind.example);
  const files: Record<string, string> = {};
  for (const name of await readdir(folder)) {
    if (name !== 'bot.json') files[name] = await readFile(join(folder, name), 'utf8');
  }
  const code: CodeOfBot = { id, runtime: kind.runtime, files, query: true };
  const container = await scene.create(await scene.deploy(code));
  await container.start();
  return container;
}

async function answerOf(url: string): Promise<true | null> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok || null;
  } catch {
    return null; // Not yet; the caller gives up in the end.
  }
}
