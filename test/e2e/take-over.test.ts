import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AccountNames } from '../../src/storage/minio/account-names.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { createGoContainer, listAsGo, storedNodeBot } from '../engine/docker/go-runtime.ts';
import { docker } from '../services/docker.ts';
import { needsMinio } from '../services/minio.ts';
import { needsNats } from '../services/nats.ts';
import { needsRuntimeImage } from '../services/runtime-image.ts';
import { takeOverTurn } from '../services/take-over-turn.ts';
import { uniqueId } from './bad-luck/unique-id.ts';
import { writeWhole } from './bot-folders.ts';
import { type StoredBots, storedBots } from './stored-bots.ts';

const CONFIG = { symbol: '<BTC>' };

const COUNTER = `
const fs = require('node:fs');
const path = require('node:path');
const file = path.join(process.env.STATE_DIR, 'counter.json');
fs.mkdirSync(process.env.STATE_DIR, { recursive: true });
const starts = 1 + (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).starts : 0);
fs.writeFileSync(file, JSON.stringify({ starts }));
exports.main = () => new Promise(() => setInterval(() => {}, 1000));
`;

const SKIP = [needsMinio(), needsNats(), await needsRuntimeImage()].find(({ skip }) => skip !== false);

describe('A runtime in the place of the Go runtime', { ...SKIP }, () => {
  let scene: StoredBots;
  let endTurn = () => {};
  before(async () => {
    endTurn = await takeOverTurn();
    scene = await storedBots();
  });
  after(async () => {
    await scene?.close();
    endTurn();
  });

  it('keeps its containers running, replaces them once when they are edited, and can be replaced by it again', async (t) => {
    const id = uniqueId('counter');
    const bot = { id, files: { 'main.js': COUNTER }, entrypoints: { bot: 'main.js' }, config: CONFIG };
    // Whatever else runs here is not this runtime's to end.
    const flags = ['--orphan-grace', '30m'];
    const runtime = await scene.runtime(t, { bots: [bot], flags });
    await scene.stateFile(id, '.the0-state/counter.json', (text) => text === '{"starts":1}');
    await runtime.end('SIGKILL');

    // Back to the Go runtime: it finds ours by its labels, removes it when it has ended, and starts its own.
    const { running } = await listAsGo(id);
    assert.equal(running.length, 1);
    await docker.getContainer(running[0] ?? '').stop();
    assert.deepEqual(await listAsGo(id), { running: [], exited: running });
    await docker.getContainer(running[0] ?? '').remove({ force: true });
    const {
      MINIO_CONTAINER_ENDPOINT = '',
      MINIO_ACCESS_KEY = '',
      MINIO_SECRET_KEY = '',
      RUNTIME_IMAGE = '',
    } = scene.env;
    const ofGo = await createGoContainer({
      definition: storedNodeBot(id, `local/${id}/1.0.0`, CONFIG),
      image: RUNTIME_IMAGE,
      env: { MINIO_ENDPOINT: MINIO_CONTAINER_ENDPOINT, MINIO_ACCESS_KEY, MINIO_SECRET_KEY },
    });
    t.after(() => ofGo.remove({ force: true }).catch(() => undefined));
    await ofGo.start();
    await scene.stateFile(id, '.the0-state/counter.json', (text) => text === '{"starts":2}');

    const { StartedAt } = (await ofGo.inspect()).State;
    const taken = await runtime.again({ THE0_TAKE_OVER: 'go' });
    const adopted = await taken.until(id, 'runs', ({ state }) => state === 'running');
    assert.deepEqual([adopted.containerId, adopted.outdated, adopted.reason.code], [ofGo.id, true, 'adopted']);
    const { conditions } = await taken.admin.why(id);
    assert.match(
      conditions.map(({ message }) => message).join(),
      /made by the Go runtime and holds the keys of the runtime/,
    );
    assert.equal((await ofGo.inspect()).State.StartedAt, StartedAt);

    const path = join(taken.botsDir, id, 'bot.json');
    await writeWhole(path, (await readFile(path, 'utf8')).replace('<BTC>', '<ETH>'));
    await scene.stateFile(id, '.the0-state/counter.json', (text) => text === '{"starts":3}');
    const replaced = await taken.until(id, 'runs anew', (it) => it.state === 'running' && it.containerId !== ofGo.id);
    assert.equal(replaced.outdated, false);
    assert.deepEqual(await listAsGo(id), { running: [replaced.containerId], exited: [] });
    const { Config } = await docker.getContainer(replaced.containerId ?? '').inspect();
    assert.ok(Config.Env.includes(`MINIO_ACCESS_KEY=${new AccountNames(DEFAULT_BUCKETS.state).accessKeyOf(id)}`));
    assert.deepEqual((await taken.admin.why(id)).conditions, []);
    assert.deepEqual((await taken.admin.overview()).troubles, []);

    // An account that somebody removed: the bot is refused once, and then gets another.
    await scene.removeKeys(id);
    await docker.getContainer(replaced.containerId ?? '').kill();
    await scene.stateFile(id, '.the0-state/counter.json', (text) => text === '{"starts":4}');
    const { timeline } = await taken.admin.why(id);
    assert.ok(
      timeline.some(({ reason }) => reason.code === 'store-denied'),
      JSON.stringify(timeline),
    );
  });
});
