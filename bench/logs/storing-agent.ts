import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { S3Access } from '../../src/storage/s3-api/s3-client.ts';

const LAUNCHER = new URL('../../images/runtime/launcher.sh', import.meta.url);

export interface StoringAgentOptions {
  /** The bundled agent (images/bundle-agent.ts). */
  readonly program: string;
  /** Its own, empty or new. */
  readonly directory: string;
  readonly botId: string;
  /** What the bot does: a shell script. */
  readonly script: string;
  readonly access: S3Access;
  readonly natsUrl: string;
}

/** The agent with its bot as the image starts it, but not in a container: it has the same flags and allocator settings. */
export class StoringAgent {
  readonly #child: ChildProcess;
  /** The end of what it said: for the error, if it ends before its time. */
  #said = '';

  constructor({ program, directory, botId, script, access, natsUrl }: StoringAgentOptions) {
    for (const folder of ['code', 'logs', 'state']) mkdirSync(join(directory, folder), { recursive: true });
    writeFileSync(join(directory, 'code', 'bot'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const settings = readFileSync(LAUNCHER, 'utf8')
      .split('\n')
      .filter((line) => /^(memory=|export MALLOC_)/.test(line));
    if (settings.length < 2) throw new Error('the launcher does not say how the agent is started');
    const start = `${settings.join('\n')}\nexec "$0" $memory "$1" execute`;
    this.#child = spawn('/bin/sh', ['-c', start, process.execPath, program], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        BOT_ID: botId,
        RUNTIME: 'rust-stable',
        ENTRYPOINT: 'bot',
        BOT_CONFIG: '{}',
        BOT_TYPE: 'realtime',
        CODE_PATH: join(directory, 'code'),
        LOGS_PATH: join(directory, 'logs'),
        STATE_PATH: join(directory, 'state'),
        MINIO_ENDPOINT: access.endpoint,
        MINIO_ACCESS_KEY: access.accessKey,
        MINIO_SECRET_KEY: access.secretKey,
        NATS_URL: natsUrl,
      },
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString('utf8')).slice(-2_000);
    });
  }

  /** Memory that nobody else shares, in MB. @throws when it has ended */
  privateMb(): number {
    const { exitCode, pid } = this.#child;
    if (exitCode !== null || pid === undefined) throw new Error(`the agent has ended with ${exitCode}: ${this.#said}`);
    let kilobytes = 0;
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    for (const [, value] of text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)) kilobytes += Number(value);
    return kilobytes / 1024;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}
