import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LoadOrder, LoadResult } from './load.ts';

const children = new Set<ChildProcess>();

/** A helper of the benchmark in a process of its own. `said` is the JSON of its first line. */
export interface Child<Said> {
  readonly said: Said;
  write(line: unknown): void;
  /** CPU time used so far, in microseconds; NaN where /proc is not there. */
  cpuMicroseconds(): number;
  end(): Promise<void>;
}

export async function start<Said>(file: string, ...parameters: (string | number)[]): Promise<Child<Said>> {
  const path = new URL(file, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, ...parameters.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const said = await new Promise<Said>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code} and said nothing`)));
  });
  return {
    said,
    write: (line) => child.stdin.write(`${JSON.stringify(line)}\n`),
    cpuMicroseconds: () => cpuMicroseconds(child.pid),
    end: async () => {
      children.delete(child);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** One round of load; resolves with what it saw. */
export async function load(order: LoadOrder): Promise<LoadResult> {
  const child = await start<LoadResult>('./load.ts', JSON.stringify(order));
  await child.end();
  return child.said;
}

/** Ends whatever is left, also when the benchmark fails. */
export function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

function cpuMicroseconds(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10_000;
  } catch {
    return Number.NaN;
  }
}
