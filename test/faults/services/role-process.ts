import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { type AdminClient, createAdminClient } from '../../../src/admin/admin-client.ts';
import { poll } from '../../e2e/runtime-under-test.ts';

const MAIN = resolve(import.meta.dirname, '../../../src/commands/main.ts');
const MOST_OUTPUT = 400_000;
const DEADLINE_MS = 90_000;

export const ROLE_NAMES = ['bot-runner', 'bot-scheduler', 'query-server'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

/** Everything that waits, waits shortly, so that what is waited for is what happens and not the time. */
const IMPATIENT = [
  ...['--health-port', '0', '--query-port', '0', '--log-format', 'json'],
  // Whoever takes over from the Go runtime takes all of its containers on this engine, those of tests too.
  ...['--take-over', 'none'],
  ...['--lease-expiry', '2s', '--lease-renew', '300ms'],
  ...['--orphan-grace', '300ms', '--dependency-retry', '200ms', '--resync', '3s'],
  ...['--stop-grace', '3s', '--agent-grace', '2s', '--stop-deadline', '3s', '--start-deadline', '10s'],
  ...['--mongo-wait', '2s', '--mongo-silence', '3s', '--mongo-retry', '50ms', '--mongo-retry-cap', '500ms'],
  ...['--nats-start-wait', '1s', '--nats-reconnect', '100ms', '--nats-ack-wait', '2s', '--nats-note', '300ms'],
  ...['--nats-ping', '1s', '--nats-retry', '50ms', '--nats-retry-cap', '500ms', '--nats-batch-wait', '2s'],
  ...['--docker-call-deadline', '5s', '--docker-list-deadline', '5s', '--docker-start-deadline', '20s'],
  ...['--docker-reconnect-first', '50ms', '--docker-reconnect-cap', '500ms'],
  // An attempt that failed because a service was away must not make the next ones wait for minutes.
  ...['--restart-base', '100ms', '--restart-cap', '1s', '--bot-credentials-deadline', '2s'],
  ...['--store-connect-timeout', '2s', '--store-silence', '3s', '--store-call-timeout', '5s'],
  ...['--ledger-deadline', '3s', '--misfire-window', '4s', '--query-timeout', '10s'],
  ...['--query-max-timeout', '15s'],
];

/** The words of one life of a role. */
export function roleWords(name: RoleName, dataDir: string): readonly string[] {
  return [name, '--data-dir', dataDir, ...IMPATIENT];
}

/** One life of a role, as a process of its own. */
export class RoleProcess {
  readonly name: RoleName;
  readonly dataDir: string;
  readonly startedAt = Date.now();
  readonly admin: AdminClient;
  output = '';
  readonly #child: ChildProcess;

  constructor(name: RoleName, dataDir: string, cwd: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.dataDir = dataDir;
    this.#child = spawn(process.execPath, [MAIN, ...roleWords(name, dataDir)], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.output = (this.output + chunk).slice(-MOST_OUTPUT);
      });
    }
    this.admin = createAdminClient(join(dataDir, 'admin.sock'), { answerMs: 60_000, queryMarginMs: 60_000 });
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The exit code of one that ended by itself. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  get runs(): boolean {
    return this.output.includes(`"msg":"${this.name} runs."`);
  }

  /** Where it answers queries; null: it does not run yet, or answers none. */
  get queryUrl(): string | null {
    if (this.hasEnded) return null;
    const line = this.output.split('\n').find((one) => one.includes(`"msg":"${this.name} runs."`));
    return /"queryUrl":"([^"]+)"/.exec(line ?? '')?.[1] ?? null;
  }

  /** Waits until it says that it runs, or has ended. */
  async isUp(): Promise<boolean> {
    await poll(`${this.name} to run`, async () => this.hasEnded || this.runs || undefined, DEADLINE_MS);
    return !this.hasEnded;
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** @returns whether it still lived */
  async kill(): Promise<boolean> {
    if (this.hasEnded) return false;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
    return true;
  }
}
