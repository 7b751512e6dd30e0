import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Document, Double } from 'mongodb';
import { botsOf } from '../../../src/desired/mongodb/collections.ts';
import { TRACKER } from '../../agent/tracker-bot.ts';
import { createGoContainer, storedNodeBot } from '../../engine/docker/go-runtime.ts';
import { takeOverTurn } from '../../services/take-over-turn.ts';
import { uniqueId } from '../bad-luck/unique-id.ts';
import { botJson } from '../bot-folders.ts';
import { poll } from '../runtime-under-test.ts';
import { needsDeployment, withDeployment } from './deployed-suite.ts';
import type { Deployment, Service } from './deployment.ts';

const DEADLINE_MS = 90_000;
const IDLE = { 'main.js': `exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n` };
/** Containers of the Go runtime that nobody here desires may be those of another test. */
const TAKES_OVER = ['--take-over', 'go', '--orphan-grace', '30m'];

const CONFIG = {
  n: 1,
  f: 0.5,
  big: 1e21,
  small: 1e-7,
  text: '<a>&\u2028',
  list: [1, { b: 2, a: null }],
  nested: { z: 1, a: { y: true } },
};
/** What Go's `encoding/json` makes of it. */
const CONFIG_OF_GO = String.raw`{"big":1e+21,"f":0.5,"list":[1,{"a":null,"b":2}],"n":1,"nested":{"a":{"y":true},"z":1},"small":1e-7,"text":"\u003ca\u003e\u0026\u2028"}`;

describe('Services in the place of the Go runtime', await needsDeployment(), () => {
  let deployment: Deployment;
  let endTurn = () => {};
  before(async () => {
    endTurn = await takeOverTurn();
  });
  withDeployment(
    async (begun) => {
      deployment = begun;
    },
    // As the MongoDB of its Compose file: without a replica set.
    { keep: true, changeStreams: false },
  );
  after(() => endTurn());

  /** A bot as the Go runtime keeps it: the API's event, its document, and its container, which runs. */
  async function keptByGo(id: string) {
    const bot = { id, files: IDLE, entrypoints: { bot: 'main.js' }, config: CONFIG };
    await deployment.publish('created', bot);
    const { custom } = botJson(bot);
    const document: Document = {
      id,
      segment_id: 1,
      config: asGoStores(CONFIG),
      custom: { ...custom, filePath: `user/${id}/1.0.0`, createdAt: '2026-01-02T03:04:05Z' },
    };
    await botsOf(deployment.client, 'realtime').insertOne(document);
    const {
      RUNTIME_IMAGE = '',
      MINIO_CONTAINER_ENDPOINT = '',
      MINIO_ACCESS_KEY = '',
      MINIO_SECRET_KEY = '',
    } = deployment.env;
    const container = await createGoContainer({
      definition: storedNodeBot(id, `user/${id}/1.0.0`, CONFIG),
      image: RUNTIME_IMAGE,
      env: {
        CONFIG: CONFIG_OF_GO,
        BOT_CONFIG: CONFIG_OF_GO,
        MINIO_ENDPOINT: MINIO_CONTAINER_ENDPOINT,
        MINIO_ACCESS_KEY,
        MINIO_SECRET_KEY,
      },
    });
    await container.start();
    const { State } = await container.inspect();
    return { ...bot, container, startedAt: State.StartedAt };
  }

  const adopted = (runner: Service, id: string) =>
    poll(
      `${id} to be adopted`,
      async () => /was already running as it should/.test(await deployment.cli(runner, 'why', id)) || undefined,
      DEADLINE_MS,
    );

  test('bot-runner adopts what runs on what is desired, and replaces once what was edited, before or after it came', async (t) => {
    const [same, edited] = await Promise.all([keptByGo(uniqueId('same')), keptByGo(uniqueId('edited'))]);
    t.after(() =>
      Promise.all([same, edited].map(({ container }) => container.remove({ force: true }).catch(() => undefined))),
    );
    const update = (bot: typeof same) => deployment.publish('updated', { ...bot, config: { ...CONFIG, n: 2 } });
    // While nobody listened.
    await update(edited);

    const runner = await deployment.start('bot-runner', TAKES_OVER);
    const replaced = await deployment.running(edited.id);
    await assert.rejects(edited.container.inspect(), { statusCode: 404 });
    await adopted(runner, same.id);
    const { State } = await same.container.inspect();
    assert.deepEqual([State.Running, State.StartedAt], [true, same.startedAt]);
    assert.deepEqual(await deployment.containers(same.id), []);

    await update(same);
    const own = await deployment.running(same.id);
    await assert.rejects(same.container.inspect(), { statusCode: 404 });

    assert.equal(await runner.end('SIGTERM'), 0);
    const next = await deployment.start('bot-runner', TAKES_OVER, runner.dataDir);
    for (const { id } of [edited, same]) await adopted(next, id);
    assert.deepEqual([await deployment.running(edited.id), await deployment.running(same.id)], [replaced, own]);
    assert.equal(await next.end('SIGTERM'), 0);
  });

  test('a tracker remembers one more run each time, each in a container of its own, and is asked in another', async () => {
    const id = uniqueId('tracker');
    const config = { symbols: ['BTC', 'ETH'] };
    const bot = { id, runtime: 'python3.11', files: TRACKER, config, schedule: '*/2 * * * * *' } as const;
    await deployment.publish('created', bot);
    const [scheduler, queries] = await Promise.all([
      deployment.start('bot-scheduler'),
      deployment.start('query-server'),
    ]);
    const [, first, second] = await poll(
      'two runs in its history',
      async () => {
        const { body } = await deployment.ask(queries, id, '/history', { limit: 2 });
        return /^\[\{"value":(\d+)\},\{"value":(\d+)\}\]$/.exec(JSON.stringify(body.data) ?? '') ?? undefined;
      },
      DEADLINE_MS,
      200,
    );
    assert.equal(Number(second), Number(first) + 1);
    const { body } = await deployment.ask(queries, id, '/nowhere');
    assert.equal(body.status, 'error');
    await Promise.all([scheduler.end('SIGTERM'), queries.end('SIGTERM')]);
  });
});

/** Every number that it has read from JSON is a double to Go. */
function asGoStores(value: unknown): unknown {
  if (typeof value === 'number') return new Double(value);
  if (Array.isArray(value)) return value.map(asGoStores);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asGoStores(member)]));
}
