import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AccountNames } from '../../src/storage/minio/account-names.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { docker } from '../services/docker.ts';
import { needsMinio } from '../services/minio.ts';
import { needsNats } from '../services/nats.ts';
import { needsRuntimeImage } from '../services/runtime-image.ts';
import { uniqueId } from './bad-luck/unique-id.ts';
import type { BotFiles } from './bot-folders.ts';
import { poll } from './runtime-under-test.ts';
import { type StoredBots, storedBots } from './stored-bots.ts';

const LOGS_BUCKET = 'other-logs';
const CONFIG = { symbol: '<BTC>' };

/** Counts its starts in its state, and notes there that it was stopped. */
const COUNTER = `
const fs = require('node:fs');
const path = require('node:path');
const file = path.join(process.env.STATE_DIR, 'counter.json');
fs.mkdirSync(process.env.STATE_DIR, { recursive: true });
const known = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { starts: 0 };
const save = (more) => {
  fs.writeFileSync(file + '.new', JSON.stringify(Object.assign(known, more)));
  fs.renameSync(file + '.new', file);
};
save({ starts: known.starts + 1 });
console.log('this is start ' + known.starts + ' of it; of the store it sees ' +
  JSON.stringify(Object.keys(process.env).filter((name) => /MINIO|NATS/.test(name))));
process.on('SIGTERM', () => { save({ stopped: known.starts }); process.exit(0); });
exports.main = () => new Promise(() => setInterval(() => {}, 1000));
`;

/** More than the one MiB that it may have. */
const HOARDER = `
const fs = require('node:fs');
fs.writeFileSync('/state/hoard.bin', Buffer.alloc(1_500_000));
exports.main = () => new Promise(() => setInterval(() => {}, 1000));
`;

const bot = (name: string, source: string): BotFiles => ({
  id: uniqueId(name),
  files: { 'main.js': source },
  entrypoints: { bot: 'main.js' },
  config: CONFIG,
});

const SKIP = [needsMinio(), needsNats(), await needsRuntimeImage()].find(({ skip }) => skip !== false);

describe('Bots of an object store in containers', { concurrency: 2, ...SKIP }, () => {
  let scene: StoredBots;
  before(async () => {
    scene = await storedBots();
  });
  after(() => scene?.close());

  it('run from it, and have their state and log in it, through a kill and until the end', async (t) => {
    const [counter, hoarder] = [bot('counter', COUNTER), bot('hoarder', HOARDER)];
    const env = { MAX_STATE_SIZE_MB: '1', MINIO_LOGS_BUCKET: LOGS_BUCKET };
    const runtime = await scene.runtime(t, { bots: [counter, hoarder], env, flags: ['--agent-log-flush', '200ms'] });
    const running = await runtime.until(counter.id, 'runs', ({ state }) => state === 'running');
    const { containerId } = running;
    assert.ok(containerId !== null);
    const container = docker.getContainer(containerId);
    assertContract(await container.inspect(), counter.id, scene);

    await scene.stateFile(counter.id, '.the0-state/counter.json', (text) => text === '{"starts":1}');
    const first = await scene.log(LOGS_BUCKET, counter.id, (text) => text.includes('start 1'));
    assert.match(first, /^\{"timestamp":"[^"]+","message":"this is start 1 of it; of the store it sees \[\]"\}$/m);
    assert.match(scene.liveLog(), new RegExp(`MSG the0\\.bot\\.logs\\.${counter.id} [^]*this is start 1`));

    const leave = new AbortController();
    const options = { lines: 1, follow: true, signal: leave.signal };
    const followed = linesUntil(await runtime.admin.logs(counter.id, options), 'start 2');
    await container.kill({ signal: 'SIGKILL' });
    await scene.stateFile(counter.id, '.the0-state/counter.json', (text) => text === '{"starts":2}');
    assert.match(await followed, /^this is start 2 of it/m);
    leave.abort();
    const shown = await runtime.cli('logs', counter.id);
    assert.match(shown, /^this is start 1 of it.*\n(.*\n)*this is start 2 of it/m);

    const conditions = await poll(
      'the agent to say that the state is too large',
      async () => {
        const { conditions: said } = await runtime.admin.why(hoarder.id);
        return said.length > 0 ? said : undefined;
      },
      60_000,
      200,
    );
    assert.equal(conditions[0]?.code, 'state-too-large');
    assert.match(conditions[0].message, /1500000 bytes, and MAX_STATE_SIZE_MB allows 1048576/);
    const [text, json] = await Promise.all([runtime.cli('why', hoarder.id), runtime.cli('why', hoarder.id, '--json')]);
    assert.match(text, /^but +the state has 1500000 bytes, and MAX_STATE_SIZE_MB/m);
    const { conditions: asJson } = JSON.parse(json);
    assert.deepEqual(asJson, conditions);

    assert.deepEqual((await runtime.admin.down(60_000)).failed, []);
    await scene.stateFile(counter.id, '.the0-state/counter.json', (text) => text === '{"starts":2,"stopped":2}');
  });

  it('say so when the store does not let them in, as the runtime itself does, and run when the keys are right', async (t) => {
    const shutOut = bot('shut-out', COUNTER);
    const runtime = await scene.runtime(t, { bots: [shutOut], env: { MINIO_SECRET_KEY: 'not-the-secret' } });
    const { reason } = await runtime.until(shutOut.id, 'is refused', (it) => it.reason.code === 'store-denied');
    assert.doesNotMatch(JSON.stringify(reason), /not-the-secret/);
    const { troubles } = await runtime.admin.overview();
    assert.match(
      troubles.join('\n'),
      /^The object store \S+ does not let the runtime in \(.*403.*\)\. Check MINIO_ACCESS_KEY and MINIO_SECRET_KEY/,
    );
    assert.doesNotMatch(runtime.output(), /not-the-secret/);

    const mended = await runtime.again({});
    await mended.admin.reset(shutOut.id);
    await scene.stateFile(shutOut.id, '.the0-state/counter.json', (text) => text === '{"starts":1}');
    assert.deepEqual((await mended.admin.overview()).troubles, []);
  });

  it('get keys of a new session before the old one ends, and go on with the state that they have stored by then', async (t) => {
    const counter = bot('of-sessions', COUNTER);
    // The shortest session that MinIO grants lasts 15 minutes: the renewal after 9 s of it is the same as after 11 minutes.
    const sessions = ['--bot-credentials', 'sts', '--bot-credentials-session', '15m'];
    const flags = [...sessions, '--bot-credentials-renew', '1', '--bot-credentials-look', '200ms'];
    const runtime = await scene.runtime(t, { bots: [counter], flags });
    const keysOf = async (id: string | null) => {
      const { Config } = await docker.getContainer(id ?? '').inspect();
      const token = Config.Env.find((variable) => variable.startsWith('MINIO_SESSION_TOKEN='));
      return { token, until: Number(Config.Labels['the0.keys-until']) };
    };
    const first = await runtime.until(counter.id, 'runs', ({ state }) => state === 'running');
    const old = await keysOf(first.containerId);
    assert.ok(old.token !== undefined);
    const next = await runtime.until(
      counter.id,
      'has another container',
      ({ state, containerId }) => state === 'running' && containerId !== first.containerId,
    );
    const renewed = await keysOf(next.containerId);
    assert.ok(Date.now() < old.until, 'the old keys are good to this moment');
    assert.ok(renewed.token !== undefined && renewed.token !== old.token && renewed.until > old.until);
    const { timeline } = await runtime.admin.why(counter.id);
    assert.ok(timeline.some(({ reason }) => reason.code === 'keys-renewed'));
    // Stored with the old keys at its stop, read and stored again with the new ones.
    await scene.stateFile(counter.id, '.the0-state/counter.json', (text) => /"starts":[2-9].*"stopped":1/.test(text));
    assert.equal((await runtime.bot(counter.id))?.restarts, 0, 'that is no crash');
  });
});

async function linesUntil(chunks: AsyncIterable<Buffer>, word: string): Promise<string> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk.toString('utf8');
    if (text.includes(word)) return text;
  }
  throw new Error(`the log ended before it said ${word}: ${text}`);
}

/** Property by property, as contract 5.2 lists them. Beyond it there is only what starts with `THE0_` or `the0.`, and TZ. */
function assertContract(
  found: Awaited<ReturnType<ReturnType<typeof docker.getContainer>['inspect']>>,
  id: string,
  { env, natsUrl }: StoredBots,
) {
  const { Config: config, HostConfig: host, Mounts: mounts } = found;
  assert.deepEqual(config.Cmd, ['/app/runtime', 'execute'], "the image's own");
  assert.equal(config.Entrypoint, null);
  assert.deepEqual([config.User, config.WorkingDir], ['1000:1000', '/tmp']);
  assert.equal(new Map(Object.entries(config)).get('StopSignal'), 'SIGTERM');
  const labels = Object.entries(config.Labels).filter(([name]) => name.startsWith('runtime.'));
  assert.deepEqual(Object.fromEntries(labels), {
    'runtime.managed': 'true',
    'runtime.id': id,
    'runtime.entrypoint': 'main.js',
    'runtime.type': 'realtime',
  });
  assert.deepEqual(host.ExtraHosts, ['host.docker.internal:host-gateway']);
  assert.equal(host.ReadonlyRootfs, true);
  assert.deepEqual([host.CapDrop, host.SecurityOpt], [['ALL'], ['no-new-privileges:true']]);
  const owned = 'nosuid,nodev,uid=1000,gid=1000';
  assert.deepEqual(host.Tmpfs, {
    '/bot': `rw,exec,${owned}`,
    '/state': `rw,${owned}`,
    '/query': `rw,${owned}`,
    '/var/the0': `rw,${owned}`,
    '/tmp': `rw,${owned},mode=1777`,
  });
  assert.equal(host.Memory, 512 * 1024 * 1024);
  assert.equal(host.CpuShares, 512);
  assert.equal(host.RestartPolicy?.Name, 'no');
  assert.equal(host.AutoRemove, false);
  assert.deepEqual([host.Binds ?? [], host.Mounts ?? [], mounts, host.PortBindings ?? {}], [[], [], [], {}]);

  const variables = config.Env.map((variable) => [variable.slice(0, variable.indexOf('=')), variable] as const);
  const contract = variables.filter(([name]) => !/^(THE0_|TZ$|PATH$|LANG$)/.test(name));
  const json = '{"symbol":"\\u003cBTC\\u003e"}';
  // Its own, not those of the runtime.
  const secret = new Map(variables).get('MINIO_SECRET_KEY')?.slice('MINIO_SECRET_KEY='.length) ?? '';
  assert.ok(secret.length > 30 && secret !== env['MINIO_SECRET_KEY']);
  assert.deepEqual(
    contract.map(([, variable]) => variable),
    [
      'PYTHONDONTWRITEBYTECODE=1',
      `ID=${id}`,
      `CONFIG=${json}`,
      'ENTRYPOINT_TYPE=bot',
      'CODE_MOUNT_DIR=bot',
      'STATE_DIR=/state/.the0-state',
      `MINIO_ENDPOINT=${env['MINIO_CONTAINER_ENDPOINT']}`,
      `MINIO_ACCESS_KEY=${new AccountNames(DEFAULT_BUCKETS.state).accessKeyOf(id)}`,
      `MINIO_SECRET_KEY=${secret}`,
      'MINIO_USE_SSL=false',
      'MINIO_QUERY_RESULTS_BUCKET=query-results',
      // Beyond the contract, because it was set.
      `MINIO_LOGS_BUCKET=${LOGS_BUCKET}`,
      'MAX_STATE_SIZE_MB=1',
      `BOT_ID=${id}`,
      `CODE_FILE=local/${id}/1.0.0`,
      'RUNTIME=nodejs20',
      'ENTRYPOINT=main.js',
      `BOT_CONFIG=${json}`,
      'IS_SCHEDULED=false',
      'BOT_TYPE=realtime',
      `NATS_URL=${natsUrl}`,
    ],
  );
  const ours = variables.map(([name]) => name).filter((name) => name.startsWith('THE0_'));
  assert.deepEqual(ours, ['THE0_PROTOCOL', 'THE0_INCARNATION', 'THE0_AGENT_LIMITS']);
}
