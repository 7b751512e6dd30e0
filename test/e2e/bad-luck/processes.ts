import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, type ProcessIdentity } from '../../../src/agent/process-identity.ts';
import { containerName } from '../../../src/engine/docker/container-name.ts';
import { docker } from '../../services/docker.ts';
import { poll, type RuntimeUnderTest } from '../runtime-under-test.ts';

/** What runs for one bot, by role; pids of this host, on which an engine's containers are seen too. */
export interface BotProcesses {
  readonly agent: ProcessIdentity;
  readonly bot: ProcessIdentity;
}

/** Waits until a bot has both its processes. */
export async function processesOf(runtime: RuntimeUnderTest, botId: string): Promise<BotProcesses> {
  return await poll(
    `the processes of ${botId}`,
    async () => {
      const pids = await (runtime.engine === 'process' ? fromNotes(runtime, botId) : fromContainer(botId)).catch(
        () => null, // Before and between its lives.
      );
      if (pids === null) return undefined;
      const { agent, bot } = { agent: identityOf(pids.agent ?? 0), bot: identityOf(pids.bot ?? 0) };
      return agent === null || bot === null ? undefined : { agent, bot };
    },
    60_000,
    100,
  );
}

interface Pids {
  readonly agent: number | null;
  readonly bot: number | null;
}

async function fromNotes({ dataDir }: RuntimeUnderTest, botId: string): Promise<Pids> {
  const notes = (name: string): unknown => JSON.parse(readFileSync(join(dataDir, 'run', name), 'utf8'));
  return { agent: pidIn(notes(`${botId}.json`), 'agent'), bot: pidIn(notes(`${botId}.groups.json`), 'bot') };
}

function pidIn(notes: unknown, role: string): number | null {
  if (typeof notes !== 'object' || notes === null) return null;
  const entry: unknown = Object.entries(notes).find(([key]) => key === role)?.[1];
  if (typeof entry !== 'object' || entry === null || !('pid' in entry)) return null;
  return typeof entry.pid === 'number' ? entry.pid : null;
}

async function fromContainer(botId: string): Promise<Pids> {
  const top: unknown = await docker.getContainer(containerName(botId)).top({ ps_args: '-eo pid,args' });
  const rows = typeof top === 'object' && top !== null && 'Processes' in top ? top.Processes : [];
  const pidOf = (command: RegExp): number | null => {
    if (!Array.isArray(rows)) return null;
    const row: unknown = rows.find((one: unknown) => Array.isArray(one) && command.test(String(one[1])));
    return Array.isArray(row) ? Number(row[0]) : null;
  };
  return { agent: pidOf(/^\/app\/node .*agent\.js/), bot: pidOf(/node_bot\.js|python_bot\.py/) };
}

/** All processes with this text among their arguments. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text) ? [Number(name)] : [];
    } catch {
      return []; // It ended while we looked.
    }
  });
}

/** Resident memory. @throws when there is no such process */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(line) * 1024;
}

/** What all files below a folder take. */
export function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + sizeOf(join(entry.parentPath, entry.name)), 0);
}

function sizeOf(path: string): number {
  // A log that was rotated away while we looked.
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
