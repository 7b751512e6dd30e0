import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { SessionKeys } from '../../../src/storage/minio/session-keys.ts';

const HOUR_MS = 3_600_000;
const policy = { Version: '2012-10-17', Statement: [] } as const;

/** A token service that grants what it likes, whatever it is asked for. */
async function sessionsOf(t: TestContext, expiration: string): Promise<SessionKeys> {
  const credentials = `<AccessKeyId>id</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>${expiration}`;
  const server = createServer((_request, response) =>
    response.end(
      `<AssumeRoleResponse><AssumeRoleResult><Credentials>${credentials}</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    ),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const endpoint = `127.0.0.1:${address.port}`;
  const sessions = new SessionKeys({ endpoint, ssl: false, accessKey: 'runtime', secretKey: 'its secret' }, 1);
  t.after(() => {
    sessions.close();
    server.close();
  });
  return sessions;
}

function endingAt(until: number): string {
  return `<Expiration>${new Date(until).toISOString()}</Expiration>`;
}

test('a session ends when the store says, not when it was asked to', async (t) => {
  const until = Math.floor(Date.now() / 1000) * 1000 + HOUR_MS;
  const sessions = await sessionsOf(t, endingAt(until));
  assert.deepEqual(await sessions.assume(policy, 7 * 24 * 3_600, AbortSignal.timeout(60_000)), {
    accessKey: 'id',
    secretKey: 'secret',
    sessionToken: 'token',
    until,
  });
});

test('a store whose clock is ahead does not make a session longer than was asked for', async (t) => {
  const sessions = await sessionsOf(t, endingAt(Date.now() + 3 * HOUR_MS));
  const { until = 0 } = await sessions.assume(policy, 3_600, AbortSignal.timeout(60_000));
  assert.ok(until > 0 && until <= Date.now() + HOUR_MS);
});

test('a session of which the store does not tell the end ends when it was asked to', async (t) => {
  const sessions = await sessionsOf(t, '');
  const before = Date.now();
  const { until = 0 } = await sessions.assume(policy, 3_600, AbortSignal.timeout(60_000));
  assert.ok(until >= before + HOUR_MS && until <= Date.now() + HOUR_MS);
});
