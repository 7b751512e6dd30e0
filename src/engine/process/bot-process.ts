import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import type { ContainerFacts, Endpoint, ExitFacts, Incarnation, Observation } from '../../../actors/observation.ts';
import { identityOf, type ProcessIdentity } from '../../agent/process-identity.ts';
import { within } from '../../within.ts';
import { LAST_WORDS_BYTES, parseLastWords } from '../last-words.ts';
import { StderrTail } from './stderr-tail.ts';

export interface AgentCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Written into a pipe that the agent has as its descriptor 3; null: there is none. */
  readonly secrets: string | null;
}

export interface BotProcessIdentity {
  readonly botId: string;
  readonly containerId: string;
  readonly incarnation: Incarnation;
  readonly specRevision: string;
  /** See `StartRequest.occurrence`. */
  readonly occurrence?: number;
  readonly shapeRevision: string;
  readonly endpoint: Endpoint | null;
}

/** The pipe of an ended agent is drained at once; only a stray process that inherited it could keep it open. */
const TAIL_WAIT_MS = 250;

/**
 * One start of one bot: the agent process, from spawn to exit.
 *
 *   launch() ── running ──► exit of the agent ── afterExit() ──► exited
 */
export class BotProcess {
  readonly identity: BotProcessIdentity;
  readonly agent: ProcessIdentity | null;
  /** Resolves when the agent has ended, everything it left has been dealt with, and the exit facts are known. */
  readonly exited: Promise<ExitFacts>;
  /** What is left of the bot is to be killed without a grace. */
  hurried = false;
  readonly #child: ChildProcess;
  #lastExit: ExitFacts | null = null;

  private constructor(
    identity: BotProcessIdentity,
    child: ChildProcess,
    agent: ProcessIdentity | null,
    exited: (bot: BotProcess) => Promise<ExitFacts>,
  ) {
    this.identity = identity;
    this.agent = agent;
    this.#child = child;
    this.exited = exited(this).then((exit) => {
      this.#lastExit = exit;
      return exit;
    });
  }

  /**
   * @param afterExit called once when the agent has ended and before the exit is reported; must be bounded and not throw
   * @throws what spawn(2) says
   */
  static async launch(
    identity: BotProcessIdentity,
    command: AgentCommand,
    afterExit: (bot: BotProcess) => Promise<void>,
  ): Promise<BotProcess> {
    const child: ChildProcess = spawn(command.program, command.arguments, {
      cwd: command.directory,
      env: command.environment,
      // A group of its own: Ctrl-C in the runtime's terminal must not reach bots behind the runtime's back.
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe', ...(command.secrets === null ? [] : (['pipe'] as const))],
    });
    const ended = new Promise<Pick<ExitFacts, 'code' | 'signal'>>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await once(child, 'spawn');
    const secrets = child.stdio[3];
    if (command.secrets !== null && secrets instanceof Writable) {
      // An agent that dies before it took them says so by its exit.
      secrets.on('error', () => undefined);
      secrets.end(command.secrets);
    }
    // The lifeline is never written to; that it breaks when the agent dies is expected.
    child.stdin?.on('error', () => undefined);
    child.on('error', () => undefined);
    const tail = child.stderr === null ? null : new StderrTail(child.stderr, LAST_WORDS_BYTES);
    const agent = child.pid === undefined ? null : identityOf(child.pid);
    return new BotProcess(identity, child, agent, async (bot) => {
      const { code, signal } = await ended;
      const at = Date.now();
      await Promise.all([afterExit(bot), tail === null ? null : within(tail.ended, TAIL_WAIT_MS)]);
      child.stdin?.destroy();
      child.stderr?.destroy();
      return {
        incarnation: identity.incarnation,
        code,
        signal,
        outOfMemory: false,
        lastWords: tail === null ? null : parseLastWords(tail.text()),
        at,
      };
    });
  }

  get lastExit(): ExitFacts | null {
    return this.#lastExit;
  }

  /** Asks the agent to end the bot and itself. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** Ends the agent and, once it is gone, what it started, all without a grace. */
  kill(): void {
    this.hurried = true;
    this.#child.kill('SIGKILL');
  }

  observation(): Observation {
    const { botId, containerId, incarnation, specRevision, shapeRevision, occurrence, endpoint } = this.identity;
    const exit = this.#lastExit;
    const container: ContainerFacts = {
      containerId,
      incarnation,
      specRevision,
      shapeRevision,
      ...(occurrence === undefined ? {} : { occurrence }),
      phase: exit === null ? 'running' : 'exited',
      paused: false,
      endpoint: exit === null ? endpoint : null,
    };
    return { botId, container, lastExit: exit, at: Date.now() };
  }
}
