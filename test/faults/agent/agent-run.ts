import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { S3Access } from '../../../src/storage/s3-api/s3-client.ts';

const MOST_OUTPUT = 40_000;
/** Far more than anything here takes; then the point has failed. */
const DEADLINE_MS = 60_000;

export interface AgentPlace {
  /** The program, made by `bundleSyncingAgent`. */
  readonly program: string;
  readonly botId: string;
  /** With `state`, `logs` and `spool`. */
  readonly root: string;
  readonly epoch: number;
  readonly access: S3Access;
  readonly spoolMemoryBytes: number;
}

/** `crashed` is a fault of the agent's whatever happened to it. */
export type AgentEnd = 'stored' | 'not-stored' | 'state-unreadable' | 'superseded' | 'killed' | 'crashed';

/** As one file it starts in a third of the time, and a sweep starts thousands. @returns its path */
export async function bundleSyncingAgent(directory: string): Promise<string> {
  const outfile = join(directory, 'syncing-agent.mjs');
  const entry = join(import.meta.dirname, 'syncing-agent.ts');
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  return outfile;
}

/** One process that syncs a bot. */
export class AgentRun {
  readonly ended: Promise<AgentEnd>;
  output = '';
  #end: AgentEnd | null = null;
  readonly #child: ChildProcess;
  readonly #changed = new Set<() => void>();

  constructor({ program, botId, root, epoch, access, spoolMemoryBytes }: AgentPlace) {
    this.#child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        BOT_ID: botId,
        ROOT: root,
        EPOCH: String(epoch),
        SPOOL_MEMORY_BYTES: String(spoolMemoryBytes),
        MINIO_ENDPOINT: access.endpoint,
        MINIO_ACCESS_KEY: access.accessKey,
        MINIO_SECRET_KEY: access.secretKey,
        ...(process.env['TZ'] === undefined ? {} : { TZ: process.env['TZ'] }),
      },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-MOST_OUTPUT);
        for (const wake of this.#changed) wake();
      });
    }
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#end = endOf(code, signal, this.told('state-unreadable'));
      for (const wake of this.#changed) wake();
      return this.#end;
    });
  }

  /** Null while it runs. */
  get end(): AgentEnd | null {
    return this.#end;
  }

  /** It has told of this event. */
  told(event: string): boolean {
    return this.output.includes(`{"event":"${event}"`);
  }

  /** @returns whether it has; false when it ended before */
  async tells(event: string): Promise<boolean> {
    await this.#until(event, () => this.told(event) || this.#end !== null);
    return this.told(event);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** SIGTERM, upon which it stores what there is. */
  async stop(): Promise<AgentEnd> {
    this.#child.kill('SIGTERM');
    return await this.hasEnded();
  }

  async hasEnded(): Promise<AgentEnd> {
    await this.#until('its end', () => this.#end !== null);
    return await this.ended;
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!holds()) return;
        settle();
        resolve();
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`waited in vain for ${what} of an agent:\n${this.output}`));
      }, DEADLINE_MS);
      const settle = () => {
        clearTimeout(timer);
        this.#changed.delete(look);
      };
      this.#changed.add(look);
    });
  }
}

function endOf(code: unknown, signal: unknown, unreadable: boolean): AgentEnd {
  if (signal === 'SIGKILL') return 'killed';
  if (code === 0) return 'stored';
  if (code === 1 && unreadable) return 'state-unreadable';
  if (code === 2) return 'not-stored';
  return code === 3 ? 'superseded' : 'crashed';
}
