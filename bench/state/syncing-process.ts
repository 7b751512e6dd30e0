import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface, type Interface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import { build } from 'esbuild';
import * as v from 'valibot';
import { docker } from '../../test/services/docker.ts';
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

/** A process that was started, wherever it runs. */
interface Started {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: Readable;
  /** In the numbers of this host. */
  readonly pid: number;
  /** Says how. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

/** Where a process may not have more memory than that. */
export interface Cage {
  readonly memoryBytes: number;
  /** Any image that the Node of this process runs in. */
  readonly image: string;
  /** All it sees of this host, under the same name. */
  readonly directory: string;
}

const KILLED = 137;
const NODE_IN_CAGE = '/node-of-the-benchmark';

/** The process that syncs, and nothing else. */
export class SyncingProcess {
  readonly #started: Started;
  readonly #lines: Interface;

  private constructor(started: Started) {
    this.#started = started;
    this.#lines = createInterface({ input: started.stdout });
  }

  static async start(program: string, setup: Setup): Promise<SyncingProcess> {
    const child = spawn(process.execPath, [program, JSON.stringify(setup)], { stdio: ['pipe', 'pipe', 'inherit'] });
    process.once('exit', () => child.kill('SIGKILL'));
    const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? `exit code ${code}`));
    return await SyncingProcess.#ready({
      stdin: child.stdin,
      stdout: child.stdout,
      pid: child.pid ?? 0,
      ended,
      end: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    });
  }

  static async startIn(cage: Cage, program: string, setup: Setup): Promise<SyncingProcess> {
    const bind = (source: string, target: string, isReadOnly: boolean) =>
      ({ Type: 'bind', Source: source, Target: target, ReadOnly: isReadOnly }) as const;
    const container = await docker.createContainer({
      Image: cage.image,
      Entrypoint: [NODE_IN_CAGE, program, JSON.stringify(setup)],
      Cmd: [],
      User: `${process.getuid?.() ?? 0}`,
      // It ends when this process has left it, and is then removed.
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: {
        AutoRemove: true,
        Memory: cage.memoryBytes,
        // The same number: nothing is swapped out.
        MemorySwap: cage.memoryBytes,
        NetworkMode: 'host',
        Mounts: [bind(process.execPath, NODE_IN_CAGE, true), bind(cage.directory, cage.directory, false)],
      },
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const stdout = new PassThrough();
    docker.modem.demuxStream(stream, stdout, process.stderr);
    await container.start();
    const ended = container.wait().then(({ StatusCode: code }: { StatusCode: number }) => {
      return code === KILLED ? 'killed, by the kernel if it took more memory than it has' : `exit code ${code}`;
    });
    return await SyncingProcess.#ready({
      stdin: stream,
      stdout,
      pid: (await container.inspect()).State.Pid,
      ended,
      end: async () => {
        await container.kill().catch(() => undefined); // It may have ended by itself.
        await ended;
      },
    });
  }

  static async #ready(started: Started): Promise<SyncingProcess> {
    const ready = new SyncingProcess(started);
    await ready.#line();
    return ready;
  }

  get pid(): number {
    return this.#started.pid;
  }

  /** @throws Error when it fails */
  async ask(request: Request): Promise<Answer> {
    const answered = this.#line();
    this.#started.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = v.parse(answerSchema, JSON.parse(await answered));
    if (answer.said.startsWith('failed: ')) throw new Error(`${request.do} ${answer.said}`);
    return answer;
  }

  /** @returns also how much private memory it took more than before, at most, in bytes */
  async askAndWeigh(request: Request): Promise<Answer & { readonly idleBytes: number; readonly extraBytes: number }> {
    const idle = privateBytes(this.pid);
    let peak = idle;
    const sampler = setInterval(() => {
      peak = Math.max(peak, privateBytes(this.pid));
    }, MEMORY_SAMPLE_MS);
    try {
      return { ...(await this.ask(request)), idleBytes: idle, extraBytes: peak - idle };
    } finally {
      clearInterval(sampler);
    }
  }

  async stop(): Promise<void> {
    await this.#started.end();
  }

  async #line(): Promise<string> {
    const line = once(this.#lines, 'line').then(([text]: unknown[]) => String(text));
    const ended = this.#started.ended.then((how) => {
      throw new Error(`the process that syncs has ended: ${how}`);
    });
    return await Promise.race([line, ended]);
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
