import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from '../../src/agent/process-identity.ts';
import { IDLE_NODE, writeBot } from '../../test/e2e/bot-folders.ts';
import { makeFolders, type RuntimeUnderTest, removeFolders, startRuntime } from '../../test/e2e/runtime-under-test.ts';
import { exactly, type Row } from '../report.ts';
import { untilAnswered } from './answers.ts';

/** How long bots may take to end once their runtime is gone: their own grace and the agent's. */
const DEADLINE_MS = 40_000;
/** What must run for one bot with a query entry point, each once. */
const ROLES = { agent: 'agent.js', bot: 'node_bot.js', query: 'query.js' } as const;

/** Kills the runtime twice: once and waits for the bots to end, once and starts again at once. */
export async function orphansOfProcesses(bots: number): Promise<{ rows: Row[]; note: string }> {
  const folders = await makeFolders();
  const ids = Array.from({ length: bots }, (_, index) => `orphan-${process.pid}-${index}`);
  for (const id of ids) await writeBot(folders.botsDir, { id, files: IDLE_NODE });
  let runtime = await startRuntime({ engine: 'process', folders });
  try {
    await allAnswer(runtime, ids);
    const first = noted(runtime, ids);
    const killedAt = performance.now();
    await runtime.end('SIGKILL');
    const survivors = await survivorsOf(first, ids);
    const goneMs = performance.now() - killedAt;

    runtime = await startRuntime({ engine: 'process', folders });
    await allAnswer(runtime, ids);
    const onceAfterWait = ids.filter(runsOnce);
    const second = noted(runtime, ids);
    await runtime.end('SIGKILL');
    runtime = await startRuntime({ engine: 'process', folders });
    await allAnswer(runtime, ids);
    const onceAtOnce = ids.filter(runsOnce);
    const older = second.filter(isAlive);
    const rows = [
      exactly('process: orphans that survive the runtime', survivors, 0, 'processes'),
      exactly('process: run once after the next start', onceAfterWait.length, bots, 'bots'),
      exactly('process: older processes left after a start at once', older.length, 0, 'processes'),
      exactly('process: run once after a start at once', onceAtOnce.length, bots, 'bots'),
    ];
    const note = `process: ${bots} bots (${first.length} processes noted); all had ended ${Math.round(goneMs)} ms after the kill.`;
    return { rows, note };
  } finally {
    await runtime.end('SIGINT');
    await removeFolders(folders);
  }
}

async function allAnswer(runtime: RuntimeUnderTest, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => untilAnswered(runtime.queryUrl, id)));
}

/** @returns how many are left when none should be */
async function survivorsOf(noted: readonly ProcessIdentity[], ids: readonly string[]): Promise<number> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = new Set([
      ...noted.filter(isAlive).map(({ pid }) => pid),
      ...ids.flatMap((id) => processesOf(id).map(({ pid }) => pid)),
    ]);
    if (found.size === 0 || performance.now() > deadline) return found.size;
    await pause(50);
  }
}

/** Everything the notes of the process engine name. */
function noted({ dataDir }: RuntimeUnderTest, ids: readonly string[]): ProcessIdentity[] {
  const pids = ids.flatMap((id) =>
    ['json', 'groups.json'].flatMap((ending) => {
      const notes = readFileSync(`${dataDir}/run/${id}.${ending}`, 'utf8');
      return [...notes.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));
    }),
  );
  return pids.flatMap((pid) => identityOf(pid) ?? []);
}

function runsOnce(id: string): boolean {
  const commands = processesOf(id).map(({ command }) => command);
  return Object.values(ROLES).every((part) => commands.filter((command) => command.includes(part)).length === 1);
}

/** By what only the processes of this bot have in their environment, whoever started them and whatever was noted. */
function processesOf(botId: string): { pid: number; command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`BOT_ID=${botId}`)) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'latin1') }];
    } catch {
      return []; // It ended meanwhile.
    }
  });
}
