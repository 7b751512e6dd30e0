import { type ChildProcess, spawn } from 'node:child_process';
import { within } from '../within.ts';
import { errorCodeOf } from './agent-error.ts';
import type { OutputStream } from './output-log.ts';

export type ProcessExit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals };

/** `reason` is the code of the system's error, `ENOENT` when the program is not there. */
export interface StartFailure {
  readonly kind: 'failed';
  readonly reason: string;
  readonly message: string;
}

export interface ProcessGroupOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** How long after the end of the leader its output is still awaited. */
  readonly drainMs: number;
  readonly onOutput: (stream: OutputStream, chunk: Buffer) => void;
}

const live = new Set<ProcessGroup>();

/** For the agent's own end, however it comes: leaves no group behind. */
export function killLeftGroups(): void {
  for (const group of live) group.signal('SIGKILL');
}

/** The leaders of all groups that run. */
export function liveLeaders(): number[] {
  return [...live].flatMap(({ pid }) => (pid === null ? [] : [pid]));
}

/**
 * A program and all it starts, in a process group (and session) of its own, so that one signal reaches all of it. When the
 * leader ends, the rest is killed at once: nothing outlives a bot, and nobody waits for a pipe that a grandchild holds.
 *
 * A grandchild that made a group of its own escapes this. In a container it ends with the container; the `process` engine
 * has no such fence.
 */
export class ProcessGroup {
  /** Null when the program could not be started. */
  readonly pid: number | null;
  /** Settles, never rejects, when the leader has ended, the group is killed and its output was passed on. */
  readonly ended: Promise<ProcessExit | StartFailure>;
  readonly #child: ChildProcess;

  constructor(options: ProcessGroupOptions) {
    this.#child = spawn(options.program, options.args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.pid = this.#child.pid ?? null;
    if (this.pid !== null) live.add(this);
    const outputEnded = Promise.all([this.#passOn('stdout', options), this.#passOn('stderr', options)]);
    this.ended = this.#watch(outputEnded, options.drainMs);
  }

  /** To every process of the group; one that is gone is no error. Once it has ended its number may be another's: no signal. */
  signal(signal: NodeJS.Signals): void {
    if (this.pid === null || !live.has(this)) return;
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      // ESRCH: all gone. EPERM: only zombies are left (macOS).
      if (!['ESRCH', 'EPERM'].includes(errorCodeOf(error))) throw error;
    }
  }

  async #watch(outputEnded: Promise<unknown>, drainMs: number): Promise<ProcessExit | StartFailure> {
    const exit = await new Promise<ProcessExit | StartFailure>((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        if (this.pid === null) resolve({ kind: 'failed', reason: error.code ?? 'unknown', message: error.message });
      });
      this.#child.once('exit', (code, signal) => {
        resolve(signal === null ? { kind: 'code', code: code ?? 1 } : { kind: 'signal', signal });
      });
    });
    if (exit.kind === 'failed') return exit;
    this.signal('SIGKILL');
    live.delete(this);
    await within(outputEnded, drainMs);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    return exit;
  }

  #passOn(name: OutputStream, options: ProcessGroupOptions): Promise<void> {
    const stream = this.#child[name];
    if (stream === null) return Promise.resolve();
    stream.on('data', (chunk: Buffer) => options.onOutput(name, chunk));
    // A pipe that breaks ends like one that is closed; what the leader did is in its exit.
    stream.on('error', () => {});
    return new Promise((resolve) => stream.once('close', resolve));
  }
}
