import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { poll } from '../runtime-under-test.ts';
import { needsDeployment, withDeployment } from './deployed-suite.ts';
import type { Deployment, Service } from './deployment.ts';

const TELLING = {
  'main.js': `exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n`,
  'query.js': `const { query } = require('@alexanderwanyoike/the0-node');
query.handler('/config', () => JSON.parse(process.env.BOT_CONFIG));
query.run();\n`,
};
/** Never due while a test runs. */
const YEARLY = '0 0 1 1 *';
const WAIT_MS = 60_000;

/** Nothing is read again by itself while the test goes on: what is known was read because somebody asked. */
const NO_REREAD = ['--reconcile-interval', '24h'];

describe('query-server beside a MongoDB without change streams', await needsDeployment(), () => {
  let deployment: Deployment;
  let queries: Service;

  withDeployment(
    async (begun) => {
      deployment = begun;
      [queries] = await Promise.all([
        deployment.start('query-server', NO_REREAD),
        deployment.start('bot-runner'),
        deployment.start('bot-scheduler'),
      ]);
    },
    { keep: true, changeStreams: false },
  );

  const ask = (id: string) => deployment.ask(queries, id, '/config');
  const answered = (id: string) => poll(`an answer of ${id}`, async () => okOrNothing(await ask(id)), WAIT_MS, 100);

  /** Waits until the document is so. */
  const stored = (kind: 'realtime' | 'scheduled', filter: Record<string, unknown>) => {
    const [database, collection] = kind === 'realtime' ? ['bot_runner', 'bots'] : ['bot_scheduler', 'bot_schedules'];
    const bots = deployment.client.db(database).collection(collection);
    return poll(
      `a document ${JSON.stringify(filter)}`,
      async () => (await bots.findOne(filter)) ?? undefined,
      WAIT_MS,
      20,
    );
  };
  const gone = (id: string) =>
    poll(`no document of ${id}`, async () => !(await isStored(deployment, id)) || undefined, WAIT_MS, 20);

  test('a new scheduled bot is answered at once, an edited one with the next question, and a deleted one is not there', async () => {
    assert.equal((await ask('fresh-yearly')).httpStatus, 404);
    const yearly = { id: 'fresh-yearly', files: TELLING, schedule: YEARLY };
    await deployment.publish('created', { ...yearly, config: { n: 1 } });
    assert.deepEqual(await answered('fresh-yearly'), { n: 1, schedule: YEARLY });

    await deployment.publish('updated', { ...yearly, config: { n: 2 } });
    await stored('scheduled', { id: 'fresh-yearly', 'config.n': 2 });
    assert.deepEqual(okOrNothing(await ask('fresh-yearly')), { n: 2, schedule: YEARLY });

    await deployment.publishDeleted('fresh-yearly', 'bot-schedule');
    await gone('fresh-yearly');
    assert.equal((await ask('fresh-yearly')).httpStatus, 404);
  });

  test('a realtime bot that is disabled and edited answers with what it is now, not with what it was', async () => {
    const bot = { id: 'fresh-switched', files: TELLING };
    await deployment.publish('created', { ...bot, config: { n: 1 } });
    assert.deepEqual(await answered('fresh-switched'), { n: 1 });

    const off = { n: 2, enabled: false };
    await deployment.publish('updated', { ...bot, config: off });
    await stored('realtime', { id: 'fresh-switched', 'config.n': 2 });
    await poll(
      'no container',
      async () => (await deployment.containers('fresh-switched')).length === 0 || undefined,
      WAIT_MS,
    );
    assert.deepEqual(await answered('fresh-switched'), off);

    await deployment.publish('updated', { ...bot, config: { ...off, n: 3 } });
    await stored('realtime', { id: 'fresh-switched', 'config.n': 3 });
    assert.deepEqual(okOrNothing(await ask('fresh-switched')), { ...off, n: 3 });
  });

  test('a running bot that answers no queries any more is refused as one, and asked again when it does', async () => {
    const bot = { id: 'fresh-mute', files: TELLING, config: {} };
    await deployment.publish('created', bot);
    await answered('fresh-mute');
    await deployment.publish('updated', { ...bot, entrypoints: { bot: 'main.js' } });
    await poll('a refusal', async () => (await ask('fresh-mute')).httpStatus === 404 || undefined, WAIT_MS, 100);
    assert.match(String((await ask('fresh-mute')).body.error), /does not have a query entrypoint/);
    await deployment.publish('updated', bot);
    await answered('fresh-mute');
  });

  test('while MongoDB is away questions are answered with what is known, and afterwards with what is new', async () => {
    const bot = { id: 'fresh-steadfast', files: TELLING, schedule: YEARLY };
    await deployment.publish('created', { ...bot, config: { n: 1 } });
    await answered('fresh-steadfast');
    await deployment.mongo.stop();
    assert.deepEqual(okOrNothing(await ask('fresh-steadfast')), { n: 1, schedule: YEARLY });
    assert.equal((await ask('nobody')).httpStatus, 404);
    await deployment.mongo.start();
    await deployment.publish('updated', { ...bot, config: { n: 2 } });
    await stored('scheduled', { id: 'fresh-steadfast', 'config.n': 2 });
    await poll(
      'the new config',
      async () => JSON.stringify(okOrNothing(await ask('fresh-steadfast')))?.includes('"n":2') || undefined,
      WAIT_MS,
      100,
    );
  });
});

function okOrNothing({ body }: Awaited<ReturnType<Deployment['ask']>>): unknown {
  return body.status === 'ok' ? body.data : undefined;
}

async function isStored({ client }: Deployment, id: string): Promise<boolean> {
  const found = await Promise.all([
    client.db('bot_runner').collection('bots').findOne({ id }),
    client.db('bot_scheduler').collection('bot_schedules').findOne({ id }),
  ]);
  return found.some((document) => document !== null);
}
