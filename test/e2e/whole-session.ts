/**
 * A session of a bot's keys to its very end, on a real MinIO, which grants none that is shorter than 15 minutes:
 * `node --test test/e2e/whole-session.ts` takes 16 of them, and next to no processor.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_BUCKETS, type ObjectStore, StoreError } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { docker } from '../services/docker.ts';
import { needsMinio } from '../services/minio.ts';
import { needsNats } from '../services/nats.ts';
import { needsRuntimeImage } from '../services/runtime-image.ts';
import { uniqueId } from './bad-luck/unique-id.ts';
import { type StoredBots, storedBots } from './stored-bots.ts';

const MINUTE_MS = 60_000;
const LONGEST_MS = 25 * MINUTE_MS;
/** More than the clocks of a store and of this host differ, and than it takes the store to notice. */
const SURELY_OVER_MS = 10_000;

/** Notes the time every second, and how often it was started. */
const CLOCK = `
const fs = require('node:fs');
const path = require('node:path');
const file = path.join(process.env.STATE_DIR, 'clock.json');
fs.mkdirSync(process.env.STATE_DIR, { recursive: true });
const known = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { starts: 0 };
const save = () => {
  fs.writeFileSync(file + '.new', JSON.stringify({ starts: known.starts + 1, at: Date.now() }));
  fs.renameSync(file + '.new', file);
};
process.on('SIGTERM', () => { save(); process.exit(0); });
exports.main = () => new Promise(() => setInterval(save, 1000));
`;

const SKIP = [needsMinio(), needsNats(), await needsRuntimeImage()].find(({ skip }) => skip !== false);

describe('A session of keys', { ...SKIP, timeout: LONGEST_MS }, () => {
  let scene: StoredBots;
  before(async () => {
    scene = await storedBots();
  });
  after(() => scene?.close());

  it('ends after its bot has other keys; the old ones open nothing then, and the state goes on being stored', async (t) => {
    const id = uniqueId('clock');
    const flags = ['--bot-credentials', 'sts', '--bot-credentials-session', '15m'];
    const bot = { id, files: { 'main.js': CLOCK }, entrypoints: { bot: 'main.js' } };
    const runtime = await scene.runtime(t, { bots: [bot], flags });
    const first = await runtime.until(id, 'runs', ({ state }) => state === 'running');
    const old = await keysOf(scene, first.containerId);
    t.after(() => old.store.close());
    const archive = { bucket: DEFAULT_BUCKETS.state, key: `${id}/state.tar.gz` };
    await scene.stateFile(id, '.the0-state/clock.json', (text) => text.includes('"starts":1'));
    assert.notEqual(await old.store.head(archive), null);

    const renewed = await runtime.until(
      id,
      'has another container',
      ({ state, containerId }) => state === 'running' && containerId !== first.containerId,
      LONGEST_MS,
    );
    const leftMs = old.until - Date.now();
    t.diagnostic(`renewed ${Math.round(leftMs / 1000)} s before the end`);
    assert.ok(leftMs > 0);
    const young = await keysOf(scene, renewed.containerId);
    t.after(() => young.store.close());
    assert.notEqual(await old.store.head(archive), null, 'good to their end');

    await delay(leftMs + SURELY_OVER_MS);
    await assert.rejects(
      () => old.store.head(archive),
      (error) => error instanceof StoreError && error.trouble === 'denied',
    );
    assert.notEqual(await young.store.head(archive), null);
    const over = Date.now();
    await scene.stateFile(id, '.the0-state/clock.json', (text) => {
      const { starts, at } = JSON.parse(text);
      return starts === 2 && at > over;
    });
    const { state, restarts, containerId } = await runtime.until(id, 'runs on', () => true);
    assert.deepEqual([state, restarts, containerId], ['running', 0, renewed.containerId]);
  });
});

/** What a container reaches the store with, used from here. */
async function keysOf(
  { env }: StoredBots,
  containerId: string | null,
): Promise<{ readonly store: ObjectStore; readonly until: number }> {
  const { Config } = await docker.getContainer(containerId ?? '').inspect();
  const variable = (name: string) => {
    const found = Config.Env.find((one) => one.startsWith(`${name}=`));
    assert.ok(found !== undefined, name);
    return found.slice(name.length + 1);
  };
  const store = openS3Store({
    endpoint: env['MINIO_ENDPOINT'] ?? '',
    ssl: false,
    accessKey: variable('MINIO_ACCESS_KEY'),
    secretKey: variable('MINIO_SECRET_KEY'),
    sessionToken: variable('MINIO_SESSION_TOKEN'),
  });
  return { store, until: Number(Config.Labels['the0.keys-until']) };
}
