import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what a system hands out by itself, and apart from the ranges that tests and runtimes take ports from. */
const FIRST = 10_000;
const LAST = 14_999;
const TRIES = 100;

/**
 * A port on which nothing listens. One that the system hands out would soon be somebody else's: on a busy machine seconds
 * pass before a program that was told of a port listens on it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(FIRST, LAST + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port between ${FIRST} and ${LAST} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
