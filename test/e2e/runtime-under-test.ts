import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { type AdminClient, createAdminClient } from '../../src/admin/admin-client.ts';
import type { BotReport } from '../../src/admin/wire.ts';

const MAIN = resolve(import.meta.dirname, '../../src/commands/main.ts');

/** The real runtime, as a person starts it, in folders of its own. */
export interface RuntimeUnderTest {
  readonly engine: 'process' | 'docker';
  readonly process: ChildProcess;
  readonly dataDir: string;
  readonly botsDir: string;
  readonly admin: AdminClient;
  readonly queryUrl: string;
  /** What it printed so far. */
  readonly output: () => string;
  bot(botId: string): Promise<BotReport | undefined>;
  /** Waits until the bot looks like this. @throws after the deadline, with what it looked like last */
  until(botId: string, what: string, holds: (bot: BotReport) => boolean, deadlineMs?: number): Promise<BotReport>;
  ask(botId: string, path: string, params?: Record<string, unknown>, timeoutSeconds?: number): Promise<Answer>;
  /** Ends it with this signal and waits for the end. @returns the exit code, null when a signal ended it */
  end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

export interface Answer {
  readonly httpStatus: number;
  readonly body: { readonly status?: unknown; readonly data?: unknown; readonly error?: unknown };
}

export interface RuntimeFolders {
  readonly root: string;
  readonly dataDir: string;
  readonly botsDir: string;
}

export async function makeFolders(): Promise<RuntimeFolders> {
  const root = await mkdtemp(join(tmpdir(), 'the0-e2e-'));
  const folders = { root, dataDir: join(root, 'data'), botsDir: join(root, 'bots') };
  await mkdir(folders.botsDir);
  return folders;
}

export async function removeFolders({ root }: RuntimeFolders): Promise<void> {
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
}

export interface StartOptions {
  readonly engine: 'process' | 'docker';
  readonly folders: RuntimeFolders;
  /** More flags of `up`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs it as this user and group. */
  readonly user?: number;
}

/**
 * Starts `up` on a free port and waits until it answers.
 * @throws when it ends before that; the error holds what it printed
 */
export async function startRuntime(options: StartOptions): Promise<RuntimeUnderTest> {
  const { engine, folders, flags = [] } = options;
  const { child, output } = spawnUp({ ...options, flags: ['--query-port', '0', ...flags] });
  const admin = createAdminClient(join(folders.dataDir, 'admin.sock'), { answerMs: 60_000, queryMarginMs: 60_000 });
  const overview = await poll(
    'the runtime to answer',
    async () => {
      if (child.exitCode !== null) throw new Fatal(`the runtime ended with ${child.exitCode}:\n${output()}`);
      // The socket takes commands a little before the first bots are known.
      return output().includes('Queries are answered on') ? await admin.overview().catch(() => undefined) : undefined;
    },
    90_000,
  ).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`${String(error)}; it printed:\n${output().slice(-3000)}`, { cause: error });
  });
  const { queryUrl } = overview;
  const bot = async (botId: string) => (await admin.bots()).find(({ id }) => id === botId);
  return {
    engine,
    process: child,
    ...folders,
    admin,
    queryUrl,
    output,
    bot,
    async until(botId, what, holds, deadlineMs = 60_000) {
      let last: BotReport | undefined;
      try {
        return await poll(
          `${botId} ${what}`,
          async () => {
            last = await bot(botId);
            return last !== undefined && holds(last) ? last : undefined;
          },
          deadlineMs,
        );
      } catch (error) {
        throw new Error(`${String(error)}; it was ${JSON.stringify(last)}\n${output().slice(-3000)}`);
      }
    },
    ask: (botId, path, params = {}, timeoutSeconds = 30) =>
      post(`${queryUrl}/query`, { bot_id: botId, query_path: path, params, timeout_sec: timeoutSeconds }),
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

/** `up` as a process, whatever becomes of it. */
export function spawnUp({ engine, folders, flags = [], env = {}, user }: StartOptions) {
  const words = ['up', '--engine', engine, '--data-dir', folders.dataDir, '--bots', folders.botsDir];
  const child = spawn(process.execPath, [MAIN, ...words, '--log-format', 'json', ...flags], {
    cwd: folders.root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text = (text + chunk).slice(-1_000_000);
    });
  }
  return { child, output: () => text };
}

/** Looks again and again until there is something. */
export async function poll<Value>(
  what: string,
  look: () => Promise<Value | undefined>,
  deadlineMs: number,
  pauseMs = 20,
): Promise<Value> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

class Fatal extends Error {}

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((answered, failed) => {
    const call = request(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } });
    call.on('error', failed);
    call.on('response', (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
      });
      response.on('error', failed);
      response.on('end', () => answered({ httpStatus: response.statusCode ?? 0, body: parse(answer) }));
    });
    call.end(text);
  });
}

function parse(text: string): Answer['body'] {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? value : {};
}
