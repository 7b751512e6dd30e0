import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface, type Interface } from 'node:readline';
import { build } from 'esbuild';
import * as v from 'valibot';
import type { Answer, Request, Setup } from './protocol.ts';

const MEMORY_SAMPLE_MS = 50;

const answerSchema = v.object({
  said: v.string(),
  ms: v.number(),
  cpuMs: v.number(),
  sentBytes: v.number(),
  copiedBytes: v.number(),
});

/** One file, as the agent is one: what is loaded counts. */
export async function bundleSyncer(directory: string): Promise<string> {
  const outfile = join(directory, 'syncer.mjs');
  const entryPoints = [join(import.meta.dirname, 'syncer.ts')];
  await build({ entryPoints, outfile, bundle: true, minify: true, platform: 'node', target: 'node22', format: 'esm' });
  return outfile;
}

/** The process that syncs, and nothing else. */
export class SyncingProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    child.stderr.pipe(process.stderr);
    process.once('exit', () => child.kill('SIGKILL'));
  }

  static async start(program: string, setup: Setup): Promise<SyncingProcess> {
    const child = spawn(process.execPath, [program, JSON.stringify(setup)], { stdio: ['pipe', 'pipe', 'pipe'] });
    const started = new SyncingProcess(child);
    await once(started.#lines, 'line');
    return started;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws Error when it fails */
  async ask(request: Request): Promise<Answer> {
    const answered = once(this.#lines, 'line');
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const [line]: unknown[] = await answered;
    const answer = v.parse(answerSchema, JSON.parse(String(line)));
    if (answer.said.startsWith('failed: ')) throw new Error(`${request.do} ${answer.said}`);
    return answer;
  }

  /** @returns also how much private memory it took more than before, at most, in bytes */
  async askAndWeigh(request: Request): Promise<Answer & { readonly extraBytes: number }> {
    const idle = privateBytes(this.pid);
    let peak = idle;
    const sampler = setInterval(() => {
      peak = Math.max(peak, privateBytes(this.pid));
    }, MEMORY_SAMPLE_MS);
    try {
      return { ...(await this.ask(request)), extraBytes: peak - idle };
    } finally {
      clearInterval(sampler);
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** USS: pages that nobody else has. */
export function privateBytes(pid: number): number {
  let kilobytes = 0;
  for (const [, found] of readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1').matchAll(/^Private_\w+:\s+(\d+) kB/gm)) {
    kilobytes += Number(found);
  }
  return kilobytes * 1024;
}

/** User and system time that a process has had, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  const TICKS_PER_SECOND = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}
