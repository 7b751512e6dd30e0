import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCli } from '../../commands/run-cli.ts';
import { startInProcess } from '../runtime-in-process.ts';
import { makeFolders, poll, post, removeFolders } from '../runtime-under-test.ts';
import { needsDeployment, withDeployment } from './deployed-suite.ts';
import type { Deployment, Service } from './deployment.ts';

/** Answers with its config, and with what it found in its state. */
const TELLING = {
  'main.js': `exports.main = () => new Promise(() => setInterval(() => {}, 1000));\n`,
  'query.js': `const { query, getConfig } = require('@alexanderwanyoike/the0-node');
query.handler('/config', () => JSON.parse(process.env.BOT_CONFIG));
query.run();\n`,
};
const RUNS_ONCE = { ...TELLING, 'main.js': `exports.main = async () => ({ done: true });\n` };

/** A second is long for a lease, and short for a test. */
const SHORT_LEASE = ['--lease-expiry', '2s', '--lease-renew', '300ms'];

describe('bot-runner, bot-scheduler and query-server on real services', await needsDeployment(), () => {
  let deployment: Deployment;
  let runner: Service;
  let queries: Service;

  withDeployment(async (begun) => {
    deployment = begun;
    [runner, queries] = await Promise.all([
      deployment.start('bot-runner', SHORT_LEASE),
      deployment.start('query-server'),
    ]);
  });

  const configOf = async (id: string) => {
    const { body } = await deployment.ask(queries, id, '/config');
    return body.status === 'ok' ? body.data : undefined;
  };
  const answersWith = (id: string, config: object) =>
    poll(
      `${id} to answer with ${JSON.stringify(config)}`,
      async () => JSON.stringify(await configOf(id)) === JSON.stringify(config) || undefined,
      60_000,
      100,
    );

  test('an event runs a bot, and the query-server asks it', async () => {
    await deployment.publish('created', { id: 'steady', files: TELLING, config: { n: 1 } });
    await deployment.running('steady');
    await answersWith('steady', { n: 1 });
    assert.match(await deployment.cli(runner, 'ls'), /steady +running/);
  });

  test('a change that is refused leaves its bot as it is, and `why`, `ls`, readiness and metrics tell of it', async () => {
    await deployment.api.publish('bot.updated', { id: 'steady', config: 'sk-secret' });
    const why = await poll(
      '`why` to say it',
      async () => {
        const said = await deployment.cli(runner, 'why', 'steady');
        return said.includes('change-refused') ? said : undefined;
      },
      60_000,
    );
    assert.match(why, /its last change was refused: .*config/);
    const { stderr } = await runCli(['ls', '--data-dir', runner.dataDir]);
    assert.match(stderr, /The last change of steady was refused/);
    assert.deepEqual(await configOf('steady'), { n: 1 });
    // Readiness looks every few seconds.
    const page = await poll(
      'the remark',
      async () => {
        const answer = await fetch(`${runner.healthUrl}/readyz?verbose`);
        const text = await answer.text();
        return answer.status === 200 && text.includes('NATS: ok (The last change of steady was refused')
          ? text
          : undefined;
      },
      60_000,
    );
    const metrics = await (await fetch(`${runner.healthUrl}/metrics`)).text();
    assert.match(metrics, /\nthe0_nats_events_total\{outcome="refused"\} 1\n/);
    assert.doesNotMatch(`${why} ${page} ${metrics} ${runner.output()}`, /sk-secret/);
  });

  test('SIGTERM leaves bots running; what was changed meanwhile is applied at the return, and nothing else is touched', async () => {
    await deployment.publish('created', { id: 'edited', files: TELLING, config: { n: 1 } });
    const before = await deployment.running('edited');
    const steady = await deployment.running('steady');
    await answersWith('edited', { n: 1 });

    assert.equal(await runner.end('SIGTERM'), 0);
    assert.deepEqual(await deployment.containers('edited'), [before]);
    await deployment.publish('updated', { id: 'edited', files: TELLING, config: { n: 2 } });
    runner = await deployment.start('bot-runner', SHORT_LEASE, runner.dataDir);

    await answersWith('edited', { n: 2 });
    assert.notEqual((await deployment.running('edited')).id, before.id);
    assert.deepEqual(await deployment.running('steady'), steady);
  });

  test('a second bot-runner stands by, touches nothing, and takes over when the first is gone', async () => {
    const steady = await deployment.running('steady');
    const second = await deployment.start('bot-runner', SHORT_LEASE);
    await second.prints(/stands by/);
    await deployment.publish('created', { id: 'late', files: TELLING, config: { n: 1 } });
    const late = await deployment.running('late');

    await runner.end('SIGKILL');
    await deployment.publish('updated', { id: 'late', files: TELLING, config: { n: 2 } });
    await answersWith('late', { n: 2 });
    assert.notEqual((await deployment.running('late')).id, late.id);
    assert.deepEqual(await deployment.running('steady'), steady);
    runner = second;
  });

  test('a scheduled bot runs when it is due, once each time, and answers queries in between', async () => {
    await deployment.publish('created', {
      id: 'minutely',
      files: RUNS_ONCE,
      config: { n: 7 },
      schedule: '*/3 * * * * *',
    });
    const scheduler = await deployment.start('bot-scheduler');
    const runs = new Set<number>();
    await poll(
      'two runs of the scheduled bot',
      async () => {
        const found = await deployment.client
          .db('bot_scheduler')
          .collection('bot_schedules')
          .findOne({ id: 'minutely' });
        const run = found?.['the0_schedule']?.run;
        if (run?.state === 'finished') runs.add(Number(run.occurrence));
        return runs.size >= 2 || undefined;
      },
      60_000,
      100,
    );
    for (const occurrence of runs) assert.equal(occurrence % 3, 0);
    await answersWith('minutely', { n: 7, schedule: '*/3 * * * * *' });
    await deployment.publishDeleted('minutely', 'bot-schedule');
    await poll(
      'no scheduled bot',
      async () => !/minutely/.test(await deployment.cli(scheduler, 'ls')) || undefined,
      60_000,
    );
    assert.equal(await scheduler.end('SIGTERM'), 0);
  });

  test('a bot that is disabled goes, and its query runs beside it no more', async () => {
    await deployment.publish('updated', { id: 'late', files: TELLING, config: { n: 2, enabled: false } });
    await poll(
      'no container of late',
      async () => (await deployment.containers('late')).length === 0 || undefined,
      60_000,
    );
  });

  test('the query-server governs nothing: commands that would are refused', async () => {
    await assert.rejects(deployment.cli(queries, 'restart', 'steady'), /only answers queries/);
  });

  test('who loses its role ends: on the same engine bots go on, on another one they are stopped before', async () => {
    const leases = deployment.client.db('bot_runner').collection<{ _id: string; holder: string }>('the0_leases');
    const taken = async (engine: string) => {
      const holder = `bot-runner on elsewhere (process 1) on the engine ${engine}`;
      await leases.updateOne({ _id: 'bot-runner' }, { $set: { owner: 'another', place: 'elsewhere', engine, holder } });
      return await runner.ended();
    };
    const steady = await deployment.running('steady');
    const ours = /on the engine (.+)$/.exec((await leases.findOne({ _id: 'bot-runner' }))?.holder ?? '')?.[1] ?? '';
    assert.equal(await taken(ours), 1);
    assert.deepEqual(await deployment.containers('steady'), [steady]);
    assert.match(runner.output(), /bot-runner on elsewhere .* keeps these bots now/);

    runner = await deployment.start('bot-runner', SHORT_LEASE);
    await poll(
      'it to be the holder',
      async () => (await leases.findOne({ owner: { $ne: 'another' } })) ?? undefined,
      60_000,
    );
    assert.equal(await taken('of another machine'), 1);
    assert.deepEqual(await deployment.containers('steady'), []);

    runner = await deployment.start('bot-runner', SHORT_LEASE);
    await runner.prints(/stands by: bot-runner on elsewhere/);
    // As the other one does when all its bots have ended.
    await leases.updateOne({ _id: 'bot-runner' }, { $set: { owner: null, engine: null } });
    await deployment.running('steady');
  });

  test('`down` stops the bots of a role; `up` runs both kinds from the same services, in one process', async (t) => {
    await deployment.cli(runner, 'down');
    assert.deepEqual(await deployment.containers('steady'), []);
    await deployment.publish('created', { id: 'often', files: RUNS_ONCE, config: {}, schedule: '* * * * * *' });

    const folders = await makeFolders();
    const { NATS_URL = '', MINIO_ENDPOINT = '', MINIO_ACCESS_KEY = '', MINIO_SECRET_KEY = '' } = deployment.env;
    const up = await startInProcess('process', folders, {
      'mongo-uri': deployment.mongo.uri,
      'nats-url': NATS_URL,
      'minio-endpoint': MINIO_ENDPOINT,
      'minio-access-key': MINIO_ACCESS_KEY,
      'minio-secret-key': MINIO_SECRET_KEY,
      'health-port': '0',
      shards: '0',
    });
    t.after(async () => {
      await up.stopBots();
      await up.close();
      await removeFolders(folders);
    });
    const ask = (bot_id: string) => post(`${up.queryUrl}/query`, { bot_id, query_path: '/config' });
    await poll('steady to answer', async () => (await ask('steady')).body.status === 'ok' || undefined, 60_000, 100);
    const ranOnce = (history: readonly { readonly code: string }[]) =>
      history.some(({ code }) => code === 'run-finished');
    await poll(
      'a run of the scheduled bot',
      async () =>
        (await up.supervisor.list()).some(({ id, history }) => id === 'often' && ranOnce(history)) || undefined,
      60_000,
      100,
    );
    const page = await (await fetch(`http://127.0.0.1:${up.healthPort}/metrics`)).text();
    for (const kind of ['realtime', 'scheduled'])
      assert.match(page, new RegExp(`^the0_nats_events_pending\\{kind="${kind}"\\} 0$`, 'm'));
    assert.match(page, /^the0_bot_starts_total\{reason="run-due"\} [1-9]/m);
  });
});
