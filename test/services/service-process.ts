import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const REQUIRED = process.env['THE0_REQUIRE_SERVICES'] === '1';
const READY_MS = 60_000;
const STOP_MS = 10_000;

/** Where test/services/*.sh put what they build. */
export function serviceBinary(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'the0-services/bin', name);
}

/**
 * Options for a suite that needs this server. Without it the suite is skipped with a sentence, or runs and fails where
 * services are required (THE0_REQUIRE_SERVICES=1).
 */
export function needsBinary(name: string, script: string): { skip: string | false } {
  try {
    accessSync(serviceBinary(name), constants.X_OK);
    return { skip: false };
  } catch {
    return { skip: REQUIRED ? false : `${name} is not built; ${script} does that once` };
  }
}

export interface ServiceProcess {
  readonly pid: number;
  /** Ends the server and waits for it. */
  stop(): Promise<void>;
}

/** Starts a server and waits until `isReady`. It is ended with this process at the latest. */
export async function startService(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  isReady: () => Promise<boolean>,
): Promise<ServiceProcess> {
  const child = spawn(serviceBinary(name), args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let failure: Error | null = null;
  child.on('error', (error) => {
    failure = error;
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    await end(child);
  };
  const deadline = Date.now() + READY_MS;
  while (!(await isReady())) {
    if (failure === null && child.exitCode === null && Date.now() < deadline) {
      await sleep(50);
      continue;
    }
    await stop();
    throw new Error(`${name} does not start: ${output}`, { cause: failure });
  }
  return { pid: child.pid ?? 0, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(late);
}
