import { spawn } from 'node:child_process';

/** What stands in the way of an image, and what to do about it. */
export class BuildError extends Error {
  readonly code = 'image-build-failed';
  override readonly name = 'BuildError';
}

/** One line of progress. */
export function step(text: string): void {
  process.stdout.write(`==> ${text}\n`);
}

/** @throws BuildError when there is no docker command, or no engine behind it */
export async function requireDocker(): Promise<void> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { quiet: true, timeoutMs: 10_000 });
  } catch (error) {
    throw new BuildError(
      `no Docker engine answers (${error instanceof Error ? error.message : error}); start it, or install it`,
    );
  }
}

export function docker(args: readonly string[], options: RunOptions = {}): Promise<void> {
  return run('docker', args, options);
}

export async function hasImage(name: string): Promise<boolean> {
  try {
    await docker(['image', 'inspect', name], { quiet: true });
    return true;
  } catch {
    return false; // inspect fails exactly when there is no such image; the engine itself was checked before
  }
}

export async function canPull(name: string): Promise<boolean> {
  step(`Looking for ${name}`);
  try {
    await docker(['pull', '--quiet', name], { quiet: true, timeoutMs: 300_000 });
    return true;
  } catch {
    return false; // no registry, or no such image there: the caller has another way and says which
  }
}

export interface RunOptions {
  /** Do not show its output; its errors are in the BuildError. */
  readonly quiet?: boolean;
  readonly timeoutMs?: number;
}

/** @throws BuildError with the end of what the command wrote to stderr */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const shown = options.quiet === true ? 'ignore' : 'inherit';
  const child = spawn(command, args, {
    stdio: ['ignore', shown, 'pipe'],
    timeout: options.timeoutMs,
    // The engine may have no BuildKit, and the Dockerfile needs none.
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (options.quiet !== true) process.stderr.write(chunk);
    errors = (errors + chunk.toString('utf8')).slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new BuildError(`cannot run ${command}: ${error.message}`)));
    child.once('close', (code, signal) => {
      const end = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      if (code === 0) resolve();
      else reject(new BuildError(`${command} ${args[0] ?? ''} failed: ${errors.trim() || end}`));
    });
  });
}
