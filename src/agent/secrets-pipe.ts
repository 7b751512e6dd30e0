import { closeSync, readSync } from 'node:fs';

const MOST_BYTES = 64 * 1024;

/**
 * Takes the credentials the launcher (images/runtime/launcher.sh) passes over a pipe, so that they stand in nobody's
 * environment: `NAME=value` lines on the descriptor named by THE0_SECRETS_FD. The pipe is empty and closed afterwards: no
 * bot can read it.
 */
export function takeSecrets(env: NodeJS.ProcessEnv): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  const fd = Number(env['THE0_SECRETS_FD'] || 0);
  delete env['THE0_SECRETS_FD'];
  // Without the variable, a low descriptor is one of Node's own.
  if (!Number.isSafeInteger(fd) || fd < 3) return secrets;
  for (const line of readToEnd(fd).split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) secrets.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return secrets;
}

function readToEnd(fd: number): string {
  const buffer = Buffer.alloc(MOST_BYTES);
  let length = 0;
  try {
    for (let read = 1; read > 0 && length < MOST_BYTES; length += read)
      read = readSync(fd, buffer, length, MOST_BYTES - length, null);
  } finally {
    closeSync(fd);
  }
  const text = buffer.toString('utf8', 0, length);
  buffer.fill(0);
  return text;
}
