/**
 * Crash to answering again on the process engine: `kill -9` of the bot's own process, each of N bots once, default policy,
 * asked through the front end. The floor is the smallest loop that starts a bare Node server again when it exits.
 *
 *   node bench/crash-process.ts [--json] [--bots N] [--short]
 */
import process from 'node:process';
import { copyExample } from '../test/e2e/bot-folders.ts';
import { makeFolders, type RuntimeUnderTest, removeFolders, startRuntime } from '../test/e2e/runtime-under-test.ts';
import { bareRespawns } from './crash/bare-respawn.ts';
import { answersAgain, processesOf } from './crash/recovery.ts';
import { median, type Row, report } from './report.ts';

const json = process.argv.includes('--json');
const botCount = process.argv.includes('--short') ? 6 : 20;

const floorMs = median(await bareRespawns(botCount));
const rows: Row[] = [
  await measure('price-alerts', 'Node example', 300),
  await measure('grid-trader', 'Python example', 450),
];
report(rows, {
  json,
  notes: [
    `${botCount} bots each, one crash per bot, one after the other; p50. Floor: a bare Node server started again by a bare loop (p50).`,
  ],
});

async function measure(example: 'price-alerts' | 'grid-trader', name: string, barMs: number): Promise<Row> {
  const folders = await makeFolders();
  const ids = Array.from({ length: botCount }, (_, index) => `${example}-${index}`);
  for (const id of ids) await copyExample(folders.botsDir, example, id);
  const runtime = await startRuntime({ engine: 'process', folders });
  try {
    for (const id of ids) await answers(runtime, id);
    const times: number[] = [];
    for (const id of ids) times.push(await crash(runtime, id));
    const figure = median(times);
    return {
      what: `crash to answering, ${name}, p50`,
      figure,
      unit: 'ms',
      floor: floorMs,
      ratio: figure / floorMs,
      bar: `<= ${barMs} ms`,
      pass: figure <= barMs,
    };
  } finally {
    await runtime.end('SIGINT');
    await removeFolders(folders);
  }
}

async function answers(runtime: RuntimeUnderTest, id: string): Promise<void> {
  await runtime.until(id, 'runs', ({ state }) => state === 'running');
  await answersAgain(runtime, id, null);
}

async function crash(runtime: RuntimeUnderTest, id: string): Promise<number> {
  const before = processesOf(runtime, id);
  if (before.bot === null) throw new Error(`${id} has no process`);
  const begun = performance.now();
  process.kill(before.bot, 'SIGKILL');
  await answersAgain(runtime, id, before.query);
  return performance.now() - begun;
}
