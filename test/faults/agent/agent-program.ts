import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleAgent } from '../../../images/bundle-agent.ts';
import type { AgentLimits } from '../../../src/agent/agent-limits.ts';
import type { S3Access } from '../../../src/storage/s3-api/s3-client.ts';

export interface AgentPlace {
  readonly botId: string;
  /** With `state`, `logs` and `spool`. */
  readonly root: string;
  readonly epoch: number;
  readonly access: S3Access;
  /** On top of what all have here. */
  readonly limits: Partial<AgentLimits>;
  /** The times of files move in steps (coarse-clock.ts). */
  readonly coarseClock: boolean;
  /** What the bot says, line by line, in this run. */
  readonly linesFile: string;
}

/** `not-stored`: stopped, but the end was not stored. `crashed` is a fault of the agent's whatever happened to it. */
export type AgentEnd = 'stopped' | 'not-stored' | 'state-unreadable' | 'superseded' | 'killed' | 'crashed';

export interface AgentCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Something that syncs bots: how to start it and what it says. */
export interface AgentProgram {
  /** Where lines come from: the bot's output, which the agent writes down, or the log file itself. */
  readonly writesLog: boolean;
  start(place: AgentPlace): AgentCommand;
  /** It has the state and lets the bot run. */
  isReady(place: AgentPlace, output: string): boolean;
  /** @param output without the last line break */
  endOf(code: number | null, output: string): AgentEnd;
}

/** The parts that sync and nothing else (syncing-agent.ts), as fast as they can. */
export async function syncingAgent(directory: string): Promise<AgentProgram> {
  const program = await bundled('syncing-agent', directory);
  const clock = await bundled('coarse-clock', directory);
  return {
    writesLog: false,
    start: ({ botId, root, epoch, access, limits, coarseClock }) => ({
      command: process.execPath,
      args: [...(coarseClock ? ['--import', clock] : []), program],
      env: {
        ...storeEnvironment(access),
        ...agentEnvironment(epoch, limits),
        BOT_ID: botId,
        ROOT: root,
      },
    }),
    isReady: (_place, output) => output.includes('{"event":"ready"'),
    endOf: (code, output) => {
      if (code === 0) return 'stopped';
      if (code === 1 && output.includes('{"event":"state-unreadable"')) return 'state-unreadable';
      if (code === 2) return 'not-stored';
      return code === 3 && output.includes('"kind":"superseded"') ? 'superseded' : 'crashed';
    },
  };
}

/** Only so slow that a point does not last for minutes. */
const QUICK: Partial<AgentLimits> = {
  flushMs: 30_000,
  lastStateMs: 120_000,
  stateSettleMs: 5,
  stateSettleCapMs: 20,
  stateSweepMs: 200,
  stateBytesPerSecond: 0,
  stateFailurePauseMs: 5,
  stateFailurePauseCapMs: 50,
  stateSpoolBytes: 2 * 1024 * 1024,
  logFlushMs: 5,
  logFailurePauseMs: 5,
  logFailurePauseCapMs: 50,
  logStoreBytesPerSecond: 0,
  storeRetryMs: 10,
  storeRetryCapMs: 50,
  storeSilenceMs: 2_000,
  storeCallMs: 5_000,
};
/** The agent says these when it does not let the bot run for want of its state. */
const NO_STATE = ['state-unreadable', 'store-denied', 'store-unreachable'];

/** The agent as it runs beside a bot (`execute`); the bot repeats what is written into a file. */
export async function execute(directory: string): Promise<AgentProgram> {
  const program = await bundleAgent(join(directory, 'agent.js'));
  const clock = await bundled('coarse-clock', directory);
  return {
    writesLog: true,
    start: ({ botId, root, epoch, access, limits, coarseClock, linesFile }) => {
      const code = join(root, 'code');
      mkdirSync(code, { recursive: true });
      rmSync(join(root, 'up'), { force: true });
      writeFileSync(join(code, 'bot'), `#!/bin/sh\n: > '${root}/up'\nexec tail -n +1 -f '${linesFile}'\n`);
      chmodSync(join(code, 'bot'), 0o755);
      return {
        command: process.execPath,
        args: [...(coarseClock ? ['--import', clock] : []), program, 'execute'],
        env: {
          ...storeEnvironment(access),
          BOT_ID: botId,
          BOT_TYPE: 'realtime',
          BOT_CONFIG: '{}',
          RUNTIME: 'rust-stable',
          ENTRYPOINT: 'bot',
          CODE_PATH: code,
          STATE_PATH: join(root, 'state'),
          LOGS_PATH: join(root, 'logs'),
          ...agentEnvironment(epoch, limits),
          THE0_LOG_TEE: '0',
        },
      };
    },
    isReady: ({ root }) => existsSync(join(root, 'up')),
    endOf: (_code, output) => {
      const last = lastWords(output);
      if (last === null) return 'crashed';
      if (NO_STATE.includes(last)) return 'state-unreadable';
      if (last === 'state-superseded') return 'superseded';
      if (last !== 'stopped') return 'crashed';
      return /"notStored":"[^"]+"/.test(output.split('\n').at(-1) ?? '') ? 'not-stored' : 'stopped';
    },
  };
}

/** `daemon init` and, when it has brought the state, `daemon sync`, as in the containers beside a bot's. */
export async function daemon(directory: string): Promise<AgentProgram> {
  const program = await bundleAgent(join(directory, 'agent.js'));
  const clock = await bundled('coarse-clock', directory);
  return {
    writesLog: false,
    start: ({ botId, root, epoch, access, limits, coarseClock }) => {
      rmSync(join(root, 'up'), { force: true });
      const agent = `'${process.execPath}' ${coarseClock ? `--import '${clock}' ` : ''}'${program}' daemon`;
      const places = `--bot-id '${botId}' --state-path '${root}/state'`;
      const init = `${agent} init ${places} --code-path '${root}/code'`;
      const sync = `exec ${agent} sync ${places} --logs-path '${root}/logs'`;
      return {
        command: '/bin/sh',
        args: ['-c', `${init} && : > '${root}/up' && ${sync}`],
        env: { ...storeEnvironment(access), ...agentEnvironment(epoch, limits) },
      };
    },
    // Each run writes the note anew, once it minds signals.
    isReady: ({ root }) => existsSync(join(root, 'up')) && changedAt(noteOf(root)) > changedAt(join(root, 'up')),
    endOf: (code, output) => {
      if (code === 0) return /the end of the (state|log) could not be stored/.test(output) ? 'not-stored' : 'stopped';
      if (/a later start of this bot/.test(output)) return 'superseded';
      return code === 1 && /the stored state cannot be (read|used|written)/.test(output)
        ? 'state-unreadable'
        : 'crashed';
    },
  };
}

/** As one file it starts in a third of the time, and a sweep starts thousands. */
async function bundled(name: string, directory: string): Promise<string> {
  const outfile = join(directory, `${name}.mjs`);
  const entry = join(import.meta.dirname, `${name}.ts`);
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm' });
  return outfile;
}

function agentEnvironment(epoch: number, limits: Partial<AgentLimits>): Record<string, string> {
  return {
    THE0_INCARNATION: String(epoch),
    THE0_AGENT_LIMITS: JSON.stringify({ v: 1, ...QUICK, ...limits }),
  };
}

function storeEnvironment({ endpoint, accessKey, secretKey }: S3Access): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    MINIO_ENDPOINT: endpoint,
    MINIO_ACCESS_KEY: accessKey,
    MINIO_SECRET_KEY: secretKey,
    ...(process.env['TZ'] === undefined ? {} : { TZ: process.env['TZ'] }),
  };
}

/** How far the log was sent, as the agent notes it. */
function noteOf(root: string): string {
  return join(root, 'logs', 'bot.log.sent');
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0;
}

/** The code of what an agent says last; null: it said none. */
function lastWords(output: string): string | null {
  return /"the0":1,"code":"([a-z-]+)"/.exec(output.split('\n').at(-1) ?? '')?.[1] ?? null;
}
