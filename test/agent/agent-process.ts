import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleAgent } from '../../images/bundle-agent.ts';
import type { AgentLimits } from '../../src/agent/agent-limits.ts';

const WRAPPERS = fileURLToPath(new URL('../../images/wrappers', import.meta.url));
const DEADLINE_MS = 60_000;
const ERRAND_FD = 4;

/** How an agent ended. `lastWords` is the parsed last line of its stderr. */
export interface AgentEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lastWords: unknown;
}

export interface AgentOptions {
  /** Files of the bot by path; those that start with `#!` are made executable. */
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** A function gets the agent's directory. */
  readonly args?: readonly string[] | ((root: string) => readonly string[]);
  readonly stdin?: 'pipe' | 'ignore';
  /** What the launcher would pass over descriptor 3. */
  readonly secrets?: string;
  /** The errand that the launcher would have sent already; what it answers is written to `errandAnswer`. */
  readonly errandPid?: number;
  /** Before the start: gets the directory with `code`, `logs` and `state`. */
  readonly prepare?: (root: string) => void;
}

/** The bundled agent as a process of its own, with a directory of its own; both are gone after the test. */
export class AgentProcess {
  readonly root: string;
  readonly child: ChildProcess;
  readonly ended: Promise<AgentEnd>;
  /** Null without `errandPid`. */
  readonly errandAnswer: Writable | null;
  stdout = '';
  stderr = '';

  private constructor(root: string, child: ChildProcess) {
    this.root = root;
    this.child = child;
    const answer = child.stdio[ERRAND_FD];
    this.errandAnswer = answer instanceof Writable ? answer : null;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('utf8');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString('utf8');
    });
    this.ended = once(child, 'close').then(([code, signal]) => ({
      code,
      signal,
      lastWords: lastLineAsJson(this.stderr),
    }));
  }

  /** Without another RUNTIME in `env` the files `bot` and `query` are run as programs, so shell scripts do. */
  static async start(t: TestContext, options: AgentOptions): Promise<AgentProcess> {
    const root = mkdtempSync(join(tmpdir(), 'the0-agent-'));
    const agentFile = await bundleAgent(join(root, 'agent.js'));
    for (const folder of ['code', 'logs', 'state']) mkdirSync(join(root, folder));
    for (const [path, text] of Object.entries(options.files)) {
      const file = join(root, 'code', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      if (text.startsWith('#!')) chmodSync(file, 0o755);
    }
    options.prepare?.(root);
    const args = typeof options.args === 'function' ? options.args(root) : (options.args ?? ['execute']);
    const child = spawn(process.execPath, [agentFile, ...args], {
      stdio: [
        options.stdin ?? 'ignore',
        'pipe',
        'pipe',
        options.secrets === undefined ? 'ignore' : 'pipe',
        options.errandPid === undefined ? 'ignore' : 'pipe',
      ],
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        BOT_ID: 'bot-1',
        RUNTIME: 'rust-stable',
        ENTRYPOINT: 'bot',
        BOT_CONFIG: '{}',
        BOT_TYPE: 'realtime',
        CODE_PATH: join(root, 'code'),
        LOGS_PATH: join(root, 'logs'),
        STATE_PATH: join(root, 'state'),
        THE0_WRAPPERS_PATH: WRAPPERS,
        THE0_AGENT_LIMITS: agentLimitsOf({}),
        ...(options.secrets === undefined ? {} : { THE0_SECRETS_FD: '3' }),
        ...(options.errandPid === undefined ? {} : { THE0_ERRAND: `${ERRAND_FD} ${options.errandPid} code state` }),
        ...options.env,
      },
    });
    const secretsPipe = child.stdio[3];
    if (options.secrets !== undefined && secretsPipe instanceof Writable) secretsPipe.end(options.secrets);
    const agent = new AgentProcess(root, child);
    t.after(async () => {
      child.stdin?.end();
      const left = childrenOf(child);
      child.kill('SIGKILL');
      // What an agent leaves when it is killed ends with its container, and there is none here.
      for (const pid of left) killGroup(pid);
      await agent.ended;
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    });
    return agent;
  }

  log(name = 'bot.log'): string {
    const file = join(this.root, 'logs', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** The rest of the line after `word`, as soon as the bot has logged one. */
  async logged(word: string, name = 'bot.log'): Promise<string> {
    return until(
      `${word} in ${name}`,
      () => {
        const line = this.log(name)
          .split('\n')
          .slice(0, -1)
          .find((candidate) => candidate.startsWith(word));
        return line?.slice(word.length).trim();
      },
      () => `${this.log(name)}\n${this.stderr}`,
    );
  }
}

/** The processes that a child has started itself; none where that cannot be told. */
function childrenOf({ pid }: ChildProcess): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** For THE0_AGENT_LIMITS: these, and time enough for the last words on a busy machine. */
export function agentLimitsOf(limits: Partial<AgentLimits>): string {
  return JSON.stringify({ v: 1, flushMs: 30_000, ...limits });
}

/** Waits until a process is gone: killed, it needs a moment of a processor for that. */
export async function ended(pid: number): Promise<void> {
  await until(`process ${pid} to end`, () => !isRunning(pid));
}

/** Polls until `look` gives something. */
export async function until<Value>(
  what: string,
  look: () => Value | undefined | false,
  otherwise: () => string = () => '',
): Promise<Value> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}\n${otherwise()}`);
    await delay(5);
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A killed process whose parent has not noticed yet.
  if (process.platform !== 'linux') return true;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function lastLineAsJson(text: string): unknown {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
