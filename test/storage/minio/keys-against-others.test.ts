import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it, type TestContext } from 'node:test';
import { AccountNames } from '../../../src/storage/minio/account-names.ts';
import { AdminSeal, openSealed } from '../../../src/storage/minio/admin-cipher.ts';
import type {
  BotCredentialOptions,
  BotStoreKeys,
  MinioBotCredentials,
} from '../../../src/storage/minio/bot-credentials.ts';
import { policyFor } from '../../../src/storage/minio/bot-policy.ts';
import { SessionKeys } from '../../../src/storage/minio/session-keys.ts';
import { MinioUnusedCredentials } from '../../../src/storage/minio/unused-credentials.ts';
import { bodyOf, DEFAULT_BUCKETS, type ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Client, openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import type { S3Access } from '../../../src/storage/s3-api/s3-client.ts';
import { DEFAULT_S3_LIMITS } from '../../../src/storage/s3-api/s3-limits.ts';
import { trouble } from '../../conformance/storage/bytes.ts';
import { type MinioServer, needsMinio, startMinio } from '../../services/minio.ts';
import { startedCredentials } from './started-credentials.ts';
import { usableKeys } from './usable-keys.ts';

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Of the admin API. */
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const EVERYTHING = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }],
};
const SECRET = 'chosen-by-the-bot-itself';

/** What keys must not do to another account, to the user above it, or for themselves. */
function attacksOn(accessKey: string, user: string): readonly Call[] {
  const account = { accessKey };
  const newAccount = { method: 'PUT', name: 'add-service-account' } as const;
  const keysOf = { method: 'GET', name: 'list-access-keys-bulk' } as const;
  return [
    { method: 'GET', name: 'info-service-account', query: account },
    { method: 'GET', name: 'info-access-key', query: account },
    { method: 'GET', name: 'temporary-account-info', query: account },
    { method: 'GET', name: 'list-service-accounts', query: { user } },
    { ...keysOf, query: { listType: 'all' } },
    { ...keysOf, query: { all: 'true', listType: 'all' } },
    { ...keysOf, query: { users: user, listType: 'all' } },
    { method: 'GET', name: 'list-users' },
    { method: 'GET', name: 'user-info', query: { accessKey: user } },
    { method: 'GET', name: 'export-iam' },
    { method: 'PUT', name: 'import-iam' },
    { method: 'PUT', name: 'add-canned-policy', query: { name: 'mine' }, body: EVERYTHING },
    { ...newAccount, body: { policy: EVERYTHING } },
    { ...newAccount, body: { accessKey: 'THE0MINE', secretKey: SECRET } },
    { ...newAccount, body: { targetUser: user, policy: EVERYTHING } },
    { method: 'PUT', name: 'add-user', query: { accessKey: 'mine' }, body: { secretKey: SECRET, status: 'enabled' } },
    { method: 'PUT', name: 'add-user', query: { accessKey: user }, body: { secretKey: SECRET, status: 'enabled' } },
    {
      method: 'PUT',
      name: 'set-user-or-group-policy',
      query: { policyName: 'readonly', userOrGroup: user, isGroup: 'false' },
    },
    { method: 'PUT', name: 'set-user-status', query: { accessKey: user, status: 'disabled' } },
    { method: 'POST', name: 'update-service-account', query: account, body: { newSecretKey: SECRET } },
    { method: 'POST', name: 'revoke-tokens/builtin', query: { user, fullRevoke: 'true' } },
    { method: 'DELETE', name: 'remove-user', query: { accessKey: user } },
    { method: 'DELETE', name: 'delete-service-account', query: account },
  ];
}

/** Who asks is answered, about itself: another must not be in it. */
const ABOUT_ITSELF: readonly Call[] = [
  { method: 'GET', name: 'list-service-accounts' },
  { method: 'GET', name: 'accountinfo' },
];
const END_SESSIONS: Call = { method: 'POST', name: 'revoke-tokens/builtin', query: { fullRevoke: 'true' } };

describe('with the keys of one bot', needsMinio(), () => {
  let server: MinioServer;
  let root: ObjectStore;

  before(async () => {
    server = await startMinio();
    root = openS3Store(server.access);
    await root.createBucket(DEFAULT_BUCKETS.code);
  });
  after(async () => {
    root?.close();
    await server?.stop();
  });

  const credentials = (t: TestContext, overrides: Partial<BotCredentialOptions> = {}) =>
    startedCredentials(t, { access: server.access, store: root, ...overrides });

  async function keysOf(made: MinioBotCredentials, botId: string, purpose: 'bot' | 'query'): Promise<BotStoreKeys> {
    const keys = await usableKeys(made, { botId, codeKey: `u/${botId}/1`, purpose });
    assert.ok(keys);
    return keys;
  }

  async function send(keys: Partial<BotStoreKeys>, call: Call): Promise<{ status: number; body: Buffer }> {
    const access: S3Access = { ...server.access, ...keys };
    const { method, name, query = {}, body = {} } = call;
    const json = Buffer.from(JSON.stringify(body));
    const isPlain = name === 'add-canned-policy' || name === 'import-iam';
    const sent = isPlain ? json : await new AdminSeal(access.secretKey).seal(json);
    const client = openS3Client(access, DEFAULT_S3_LIMITS);
    try {
      const answer = await client.send({
        ...{ operation: 'attack', bucket: 'minio', key: `admin/v3/${name}`, method, query },
        ...(method === 'PUT' || method === 'POST' ? { body: bodyOf(sent) } : {}),
      });
      return { status: answer.status, body: await buffer(answer.body) };
    } finally {
      client.close();
    }
  }

  /** What the keys' owner is told, whether it is sealed or not. */
  async function told(keys: BotStoreKeys, call: Call): Promise<string> {
    const { status, body } = await send(keys, call);
    assert.equal(status, 200, call.name);
    return body[0] === 0x7b ? body.toString() : (await openSealed(keys.secretKey, body)).toString();
  }

  async function reads(keys: BotStoreKeys, botId: string): Promise<void> {
    const store = openS3Store({ ...server.access, ...keys });
    try {
      assert.equal(await store.head({ bucket: DEFAULT_BUCKETS.state, key: `${botId}/state.tar.gz` }), null);
    } finally {
      store.close();
    }
  }

  /** A user of this name that may read and write, and administer what is named. */
  async function userThatMay(accessKey: string, ...rights: readonly string[]): Promise<S3Access> {
    const secretKey = `secret-of-${accessKey}`;
    const administer = { Effect: 'Allow', Action: rights };
    const Statement = [...EVERYTHING.Statement, ...(rights.length > 0 ? [administer] : [])];
    const query = { policyName: accessKey, userOrGroup: accessKey, isGroup: 'false' };
    for (const call of [
      { name: 'add-user', query: { accessKey }, body: { secretKey, status: 'enabled' } },
      { name: 'add-canned-policy', query: { name: accessKey }, body: { ...EVERYTHING, Statement } },
      { name: 'set-user-or-group-policy', query },
    ]) {
      assert.equal((await send({}, { method: 'PUT', ...call })).status, 200, call.name);
    }
    return { ...server.access, accessKey, secretKey };
  }

  it('another bot is neither found nor touched, nor the runtime, and no further keys are made', async (t) => {
    const made = await credentials(t);
    assert.deepEqual(made.troubles, []);
    const attackers = [await keysOf(made, 'attacker', 'bot'), await keysOf(made, 'attacker', 'query')];
    const victims = [await keysOf(made, 'victim', 'bot'), await keysOf(made, 'victim', 'query')];
    for (const attacker of attackers) {
      for (const { accessKey } of victims) {
        for (const user of [new AccountNames(DEFAULT_BUCKETS.state).userOf('victim'), server.access.accessKey]) {
          for (const call of attacksOn(accessKey, user)) {
            const { status, body } = await send(attacker, call);
            assert.ok(status >= 400 && status < 500, `${call.name} ${JSON.stringify(call.query)}: ${status} ${body}`);
          }
        }
      }
      for (const call of ABOUT_ITSELF) {
        const text = await told(attacker, call);
        for (const { accessKey } of victims) assert.ok(!text.includes(accessKey), `${call.name}: ${text}`);
        assert.ok(!text.includes(server.access.accessKey), `${call.name}: ${text}`);
      }
      const sessions = new SessionKeys({ ...server.access, ...attacker }, 1);
      const policy = policyFor({ botId: 'attacker', codeKey: 'u/attacker/1', purpose: 'bot' }, DEFAULT_BUCKETS);
      await assert.rejects(sessions.assume(policy, 900, AbortSignal.timeout(60_000)), trouble('denied'));
      sessions.close();
    }
    for (const victim of victims) await reads(victim, 'victim');
    for (const attacker of attackers) await reads(attacker, 'attacker');
  });

  it('no session of another can be ended, not even of the user that the runtime is', async (t) => {
    const made = await credentials(t);
    const session = await keysOf(await credentials(t, { mode: 'sts' }), 'session', 'bot');
    await send(await keysOf(made, 'ender', 'bot'), END_SESSIONS);
    await reads(session, 'session');
  });

  it('others can be ended where all are below one user, and that is said', async (t) => {
    const sessions = await credentials(t, { mode: 'sts' });
    assert.match(sessions.troubles.join(), /below one user.*can end those of the others.*admin:CreateUser/);
    const victim = await keysOf(sessions, 'victim', 'bot');
    await send(await keysOf(sessions, 'attacker', 'bot'), END_SESSIONS);
    await assert.rejects(reads(victim, 'victim'), trouble('denied'));

    const access = await userThatMay('plain-user');
    const below = await credentials(t, { access });
    assert.equal(below.kind, 'service-account');
    assert.match(below.troubles.join(), /below one user \(.*403.*can end those of the others/);
    assert.ok(!below.troubles.join().includes(access.secretKey));
    await reads(await keysOf(below, 'victim', 'bot'), 'victim');
  });

  it('the rights that are asked for are enough, and what somebody removed is made again', async (t) => {
    const lacking = await credentials(t, { access: await userThatMay('lacks-all') });
    const rights = [...new Set(lacking.troubles.join().match(/admin:\w+/g))];
    assert.equal(rights.length, 5);
    const access = await userThatMay('has-enough', ...rights);
    const made = await credentials(t, { access });
    assert.deepEqual(made.troubles, []);
    await keysOf(made, 'enough', 'bot');
    await reads(await keysOf(made, 'enough', 'bot'), 'enough');
    await reads(await keysOf(made, 'enough', 'query'), 'enough');
    const unused = new MinioUnusedCredentials(access, DEFAULT_BUCKETS);
    t.after(() => unused.close());
    const user = new AccountNames(DEFAULT_BUCKETS.state).userOf('enough');
    assert.ok((await unused.list(new Set())).unused.includes(user));
    await unused.remove(user);
    await assert.rejects(reads(await keysOf(made, 'enough', 'query'), 'enough'), trouble('denied'));
    await reads(await keysOf(made, 'enough', 'bot'), 'enough');
    const { accessKey } = await keysOf(made, 'enough', 'bot');
    await send({}, { method: 'DELETE', name: 'delete-service-account', query: { accessKey } });
    await reads(await keysOf(made, 'enough', 'bot'), 'enough');
  });
});
