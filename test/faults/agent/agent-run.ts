import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { withDescendants } from '../../../src/agent/sync/bot-processes.ts';
import type { AgentEnd, AgentPlace, AgentProgram } from './agent-program.ts';

const MOST_OUTPUT = 40_000;
const POLL_MS = 5;
/** Far more than anything here takes, with a store that is away for a minute; then the point has failed. */
const DEADLINE_MS = 150_000;

/** One run of an agent, with all that it starts: together they are what a container is. */
export class AgentRun {
  readonly ended: Promise<AgentEnd>;
  output = '';
  #end: AgentEnd | null = null;
  readonly #program: AgentProgram;
  readonly #place: AgentPlace;
  readonly #child: ChildProcess;

  constructor(program: AgentProgram, place: AgentPlace) {
    this.#program = program;
    this.#place = place;
    const { command, args, env } = program.start(place);
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-MOST_OUTPUT);
      });
    }
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      const ended = typeof code === 'number' ? code : null;
      this.#end = signal === 'SIGKILL' ? 'killed' : program.endOf(ended, this.output.trimEnd());
      return this.#end;
    });
  }

  /** Null while it runs. */
  get end(): AgentEnd | null {
    return this.#end;
  }

  /** @returns whether it lets the bot run; false when it ended before that */
  async isReady(): Promise<boolean> {
    let isReady = false;
    await this.#until('a sign', () => {
      isReady = this.#end === null && this.#program.isReady(this.#place, this.output);
      return isReady || this.#end !== null;
    });
    return isReady;
  }

  /** As a container is: nothing of it has time for anything. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // What stands still has no children that one does not see.
    this.#child.kill('SIGSTOP');
    const others = withDescendants([pid]).slice(1);
    this.#child.kill('SIGKILL');
    for (const other of others) killIfThere(other);
  }

  /** SIGTERM, upon which it stores what there is. */
  async stop(): Promise<AgentEnd> {
    this.#child.kill('SIGTERM');
    return await this.hasEnded();
  }

  async hasEnded(): Promise<AgentEnd> {
    await this.#until('the end', () => this.#end !== null);
    return await this.ended;
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    const giveUpAt = performance.now() + DEADLINE_MS;
    while (!holds()) {
      if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what} of an agent`);
      await delay(POLL_MS);
    }
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
