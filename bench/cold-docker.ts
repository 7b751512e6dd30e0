/**
 * Many bots cold on Docker: from the start of the runtime until all run, beside the same containers created and started by a
 * bare loop, four at a time. Also counts duplicates and leftovers.
 *
 *   node bench/cold-docker.ts [--json] [--short] [--bots N]
 */
import process from 'node:process';
import Docker from 'dockerode';
import { IDLE_NODE, writeBot } from '../test/e2e/bot-folders.ts';
import { startInProcess } from '../test/e2e/runtime-in-process.ts';
import { makeFolders, poll, removeFolders } from '../test/e2e/runtime-under-test.ts';
import { createAndStartAll } from './docker/bare-loop.ts';
import { copyOf, removeLabelled } from './docker/copies.ts';
import { type Row, report } from './report.ts';

const json = process.argv.includes('--json');
const count = process.argv.includes('--short') ? 20 : 100;
const WIDTH = 4;
const BAR = 1.15;
const LABEL = `the0.bench-cold=${process.pid}`;

const docker = new Docker();
const folders = await makeFolders();
const ids = Array.from({ length: count }, (_, index) => `cold-${process.pid}-${index}`);
for (const id of ids) await writeBot(folders.botsDir, { id, files: IDLE_NODE, entrypoints: { bot: 'main.js' } });

try {
  const ours = await startOurs();
  const floorMs = await startBare(ours.originals);
  const again = await startOurs();
  const figure = Math.min(ours.ms, again.ms);
  const rows: Row[] = [
    {
      what: `${count} bots cold on Docker, all running`,
      figure,
      unit: 'ms',
      floor: floorMs,
      ratio: figure / floorMs,
      bar: `<= ${BAR}`,
      pass: figure / floorMs <= BAR,
    },
    zero('duplicates', ours.duplicates + again.duplicates),
    zero('leftovers after stop', ours.leftovers + again.leftovers),
  ];
  report(rows, {
    json,
    notes: [
      `ours ${Math.round(ours.ms)} ms, bare loop ${Math.round(floorMs)} ms, ours again ${Math.round(again.ms)} ms`,
    ],
  });
} finally {
  await removeLabelled(docker, LABEL);
  await removeFolders(folders);
}

function zero(what: string, figure: number): Row {
  return { what, figure, unit: 'containers', floor: null, ratio: figure, bar: '0', pass: figure === 0 };
}

async function startOurs() {
  const begun = performance.now();
  const runtime = await startInProcess('docker', folders);
  try {
    const bots = await poll(
      'all bots to run',
      async () => {
        const all = await runtime.supervisor.list();
        return all.filter(({ state }) => state === 'running').length === count ? all : undefined;
      },
      300_000,
      50,
    );
    const ms = performance.now() - begun;
    const running = await botContainers();
    const originals = await Promise.all(bots.map((bot) => docker.getContainer(bot.containerId ?? '').inspect()));
    await runtime.stopBots();
    return { ms, originals, duplicates: running.length - count, leftovers: (await botContainers()).length };
  } finally {
    await runtime.close();
  }
}

async function botContainers() {
  const all = await docker.listContainers({ all: true });
  return all.filter(({ Labels: labels }) => labels['runtime.id']?.startsWith(`cold-${process.pid}-`));
}

async function startBare(originals: readonly Docker.ContainerInspectInfo[]): Promise<number> {
  const [key = '', value = ''] = LABEL.split('=');
  const specs = originals.map((one, index) => copyOf(one, `the0-bench-cold-${process.pid}-${index}`, { [key]: value }));
  const ms = await createAndStartAll(docker, specs, WIDTH);
  await removeLabelled(docker, LABEL);
  return ms;
}
