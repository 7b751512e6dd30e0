/**
 * From a change in the folder of bots to its effect: a bot added (start issued), edited (its replacement runs), deleted (its
 * container is gone).
 *
 *   node bench/change.ts [--json] [--short] [--engine process|docker]
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { botJson, IDLE_NODE, writeBot } from '../test/e2e/bot-folders.ts';
import { startInProcess } from '../test/e2e/runtime-in-process.ts';
import { makeFolders, removeFolders } from '../test/e2e/runtime-under-test.ts';
import { median, type Row, report } from './report.ts';

const json = process.argv.includes('--json');
const rounds = process.argv.includes('--short') ? 3 : 10;
const engine = process.argv.includes('docker') ? 'docker' : 'process';
const BAR_MS = 1000;
const DEADLINE_MS = 30_000;

const folders = await makeFolders();
/** Called at each transition, with the state a bot went to. */
const waiting = new Map<string, { states: string[]; seen: (at: number) => void }>();
const runtime = await startInProcess(
  engine,
  folders,
  {},
  {
    transition: ({ botId, to }) => {
      const wait = waiting.get(botId);
      if (wait?.states[0] !== to) return;
      wait.states.shift();
      if (wait.states.length === 0) wait.seen(performance.now());
    },
  },
);
try {
  const times = { add: [] as number[], edit: [] as number[], remove: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const id = `change-${process.pid}-${round}`;
    const bot = { id, files: IDLE_NODE };
    times.add.push(await timed(id, ['starting'], () => writeBot(folders.botsDir, bot)));
    await until(id, 'running');
    const edited = JSON.stringify(botJson({ ...bot, config: { round } }));
    const change = () => writeFile(join(folders.botsDir, id, 'bot.json'), edited);
    times.edit.push(await timed(id, ['stopping', 'starting', 'running'], change));
    const remove = () => rm(join(folders.botsDir, id), { recursive: true });
    times.remove.push(await timed(id, ['stopping', 'stopped'], remove));
  }
  report(
    [
      row('bot added to start issued', times.add),
      row('bot edited to its replacement running', times.edit),
      row('bot deleted to its container gone', times.remove),
    ],
    { json, notes: [`engine ${engine}; ${rounds} rounds; slowest; of this the folder must be quiet for 200 ms`] },
  );
} finally {
  await runtime.stopBots();
  await runtime.close();
  await removeFolders(folders);
}

function row(what: string, values: readonly number[]): Row {
  const figure = Math.max(...values);
  const bar = `<= ${BAR_MS} ms`;
  return {
    what: `${what} (p50 ${Math.round(median(values))} ms)`,
    figure,
    unit: 'ms',
    floor: null,
    ratio: figure / BAR_MS,
    bar,
    pass: figure <= BAR_MS,
  };
}

/** From the change until the bot has been in these states, one after the other. */
async function timed(id: string, states: string[], change: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const reached = new Promise<number>((seen, late) => {
    waiting.set(id, { states: [...states], seen });
    setTimeout(() => late(new Error(`${id} was not ${states.join(', ')} in time`)), DEADLINE_MS).unref();
  });
  await change();
  return (await reached) - begun;
}

async function until(id: string, state: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while ((await runtime.supervisor.ask(id, 1000))?.state !== state) {
    if (performance.now() > deadline) throw new Error(`${id} is not ${state}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
