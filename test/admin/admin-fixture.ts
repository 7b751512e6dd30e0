import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type AdminClient, createAdminClient } from '../../src/admin/admin-client.ts';
import type { AdminLimits } from '../../src/admin/admin-routes.ts';
import { createAdminServer } from '../../src/admin/admin-server.ts';
import type { ReadSide } from '../../src/admin/read-side.ts';

export const ADMIN_LIMITS: AdminLimits = {
  requestBytes: 64 * 1024,
  requestMs: 10_000,
  closeGraceMs: 5_000,
  logFollowers: 4,
  logPollMs: 10,
  logSearchBytes: 1024 * 1024,
};

export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'the0-admin-'));
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

export interface Admin {
  readonly client: AdminClient;
  readonly directory: string;
  readonly socketPath: string;
  readonly errors: Error[];
  close(): Promise<void>;
}

/** An admin server over a real socket, with a client. */
export async function startAdmin(
  t: TestContext,
  readSide: ReadSide,
  options: { queryToken?: string; limits?: Partial<AdminLimits> } = {},
): Promise<Admin> {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 'admin.sock');
  const errors: Error[] = [];
  const server = createAdminServer({
    socketPath,
    readSide,
    queryToken: options.queryToken ?? null,
    connections: 32,
    limits: { ...ADMIN_LIMITS, ...options.limits },
    onError: (error) => errors.push(error),
  });
  await server.start();
  t.after(() => server.close(0));
  return {
    client: createAdminClient(socketPath, { answerMs: 60_000, queryMarginMs: 60_000 }),
    directory,
    socketPath,
    errors,
    close: () => server.close(),
  };
}

/** Polls until `probe` gives true. @throws after `deadlineMs` */
export async function eventually(
  what: string,
  probe: () => boolean | Promise<boolean>,
  deadlineMs = 60_000,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`not seen within ${deadlineMs} ms: ${what}`);
    await delay(10);
  }
}
