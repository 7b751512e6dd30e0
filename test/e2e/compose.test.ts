import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { bodyOf, DEFAULT_BUCKETS, type ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { botEvent, EventPublisher } from '../desired/nats/events.ts';
import { docker } from '../services/docker.ts';
import { handMade } from '../storage/code-archive/archives.ts';
import { type ComposeProject, composeProject, needsCompose } from './compose-project.ts';
import { type Answer, poll, post } from './runtime-under-test.ts';

const PUBLISH = resolve(import.meta.dirname, '../../images/compose/publish.ts');
const DEADLINE_MS = 60_000;
const POLL_MS = 200;
const SUFFIX = randomBytes(4).toString('hex');

interface Bot {
  readonly id: string;
  readonly kind: 'realtime' | 'scheduled';
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
}

const TICKER_FILES = {
  'main.py': `
from the0 import sleep
def main(bot_id, config):
    while True:
        print("tick of", config["symbol"])
        sleep(1)
`,
  'query.py': `
from the0 import query
@query.handler("/symbol")
def symbol(req): return query.get_config()["symbol"]
query.run()
`,
};
const TICKER: Bot = { id: `ticker-${SUFFIX}`, kind: 'realtime', config: { symbol: 'BTC' }, files: TICKER_FILES };
const LATECOMER: Bot = { id: `late-${SUFFIX}`, kind: 'realtime', config: { symbol: 'ETH' }, files: TICKER_FILES };
const COUNTER: Bot = {
  id: `counter-${SUFFIX}`,
  kind: 'scheduled',
  config: { schedule: '*/5 * * * * *' },
  files: {
    'main.py': `
from the0 import state
def main(bot_id, config): state.set("runs", state.get("runs", 0) + 1)
`,
    'query.py': `
from the0 import query, state
@query.handler("/runs")
def runs(req): return state.get("runs", 0)
query.run()
`,
  },
};

describe('the services of images/compose', { ...(await needsCompose()), timeout: 600_000 }, () => {
  let project: ComposeProject;
  let api: EventPublisher;
  let store: ObjectStore;

  before(async () => {
    project = await composeProject();
    await project.compose('up', '--detach', '--wait');
    const { ports, passwords } = project;
    const login = { user: 'the0', pass: passwords.NATS_PASSWORD };
    api = await EventPublisher.connect(`nats://127.0.0.1:${ports.nats}`, login);
    const keys = { accessKey: 'the0', secretKey: passwords.MINIO_SECRET_KEY };
    store = openS3Store({ endpoint: `127.0.0.1:${ports.minio}`, ssl: false, ...keys });
    // As the API does when it starts.
    await store.createBucket(DEFAULT_BUCKETS.code);
    await api.makeStream();
  });
  after(async () => {
    await api?.close();
    store?.close();
    await project?.remove();
  });

  /** As the API does for a new bot (contract 3.2, 4.1): uploads its code. @returns the event that comes next */
  async function upload({ id, kind, config, files }: Bot) {
    const filePath = `user/${id}/1.0.0`;
    const archive = handMade(Object.entries(files).map(([name, content]) => ({ name, content })));
    const place = { bucket: DEFAULT_BUCKETS.code, key: filePath };
    await store.write(place, bodyOf(archive), { condition: null, contentType: 'application/zip' });
    const { custom, ...event } = botEvent(id, { ...config, type: `${kind}/${id}`, enabled: true });
    const entrypoints = { bot: 'main.py', query: 'query.py' };
    const definition = { ...custom.config, name: id, type: kind, runtime: 'python3.11', entrypoints };
    return { ...event, custom: { ...custom, filePath, config: definition } };
  }

  async function publish(bot: Bot): Promise<void> {
    await api.publish(bot.kind === 'realtime' ? 'bot.created' : 'bot-schedule.created', await upload(bot));
  }

  /** As somebody without the API does. */
  async function publishByHand(t: TestContext, bot: Bot): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'the0-publish-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'bot.json'), JSON.stringify(await upload(bot)));
    const { NATS_PASSWORD } = project.passwords;
    const env = { ...process.env, NATS_PORT: String(project.ports.nats), NATS_PASSWORD };
    await promisify(execFile)(process.execPath, [PUBLISH, join(folder, 'bot.json')], { env, timeout: DEADLINE_MS });
  }

  /** Asks until the data are right: a bot that starts has no answer yet. */
  async function answer(bot: Bot, path: string, isRight: (data: unknown) => boolean): Promise<unknown> {
    let last: Answer | null = null;
    const question = { bot_id: bot.id, query_path: path };
    const look = async () => {
      last = await post(`http://127.0.0.1:${project.ports.query}/query`, question).catch(() => null);
      return last?.body.status === 'ok' && isRight(last.body.data) ? { data: last.body.data } : undefined;
    };
    try {
      return (await poll(`${path} of ${bot.id}`, look, DEADLINE_MS, POLL_MS)).data;
    } catch (error) {
      throw new Error(`the last answer was ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** Waits for the next run of a scheduled bot that changes its state. @returns what the stored state is known by */
  async function nextState({ id }: Bot, after: string | null): Promise<string> {
    const place = { bucket: DEFAULT_BUCKETS.state, key: `${id}/state.tar.gz` };
    const look = async () => {
      const etag = (await store.head(place))?.etag;
      return etag === after ? undefined : etag;
    };
    return await poll(`a run of ${id}`, look, DEADLINE_MS, POLL_MS);
  }

  /** The one container of a bot, once it runs. */
  async function containerOf({ id }: Bot) {
    const filters = { label: [`runtime.id=${id}`] };
    const look = async () => (await docker.listContainers({ filters })).map(({ Id }) => Id);
    const [first] = await poll(`a container of ${id}`, async () => nonEmpty(await look()), DEADLINE_MS, POLL_MS);
    return await docker.getContainer(first).inspect();
  }

  test('a bot that the API publishes runs, answers queries, and shows its log live', async () => {
    const log = api.connection.subscribe(`the0.bot.logs.${TICKER.id}`, { max: 1, timeout: DEADLINE_MS });
    await publish(TICKER);
    assert.equal(await answer(TICKER, '/symbol', () => true), 'BTC');
    for await (const { data } of log) assert.match(Buffer.from(data).toString('utf8'), /tick of BTC/);
  });

  test('the container of a bot has no password of a service, and is not on the network of MongoDB', async () => {
    const { Config, NetworkSettings } = await containerOf(TICKER);
    const environment = Config.Env.join('\n');
    const { NATS_LOGS_PASSWORD, ...passwords } = project.passwords;
    for (const [name, password] of Object.entries(passwords)) assert.ok(!environment.includes(password), name);
    assert.ok(environment.includes(NATS_LOGS_PASSWORD));
    assert.deepEqual(Object.keys(NetworkSettings.Networks), [project.name]);
  });

  test('a scheduled bot runs when it is due, and answers queries between its runs', async () => {
    await publish(COUNTER);
    await nextState(COUNTER, null);
    assert.ok(await answer(COUNTER, '/runs', (runs) => typeof runs === 'number' && runs > 0));
  });

  test('bots go on while the services are away; what was published meanwhile is done when they are back', async (t) => {
    const before = await containerOf(TICKER);
    await project.compose('stop', 'bot-runner', 'bot-scheduler', 'query-server');
    await publishByHand(t, LATECOMER);
    const meanwhile = await containerOf(TICKER);
    assert.deepEqual(
      [meanwhile.Id, meanwhile.State.StartedAt, meanwhile.State.Running],
      [before.Id, before.State.StartedAt, true],
    );
    await project.compose('start', 'bot-runner', 'bot-scheduler', 'query-server');
    assert.equal(await answer(LATECOMER, '/symbol', () => true), 'ETH');
    assert.equal(await answer(TICKER, '/symbol', () => true), 'BTC');
    await nextState(COUNTER, await nextState(COUNTER, null));
    await project.compose('restart', 'bot-runner');
    assert.equal(await answer(TICKER, '/symbol', () => true), 'BTC');
    const afterwards = await containerOf(TICKER);
    assert.deepEqual([afterwards.Id, afterwards.State.StartedAt], [before.Id, before.State.StartedAt]);
  });

  test('a service is ready when all that it needs is there', async () => {
    for (const port of [project.ports.runner, project.ports.scheduler]) {
      const isReady = () => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status === 200);
      const look = async () => (await isReady().catch(() => false)) || undefined;
      await poll(`/readyz on ${port}`, look, DEADLINE_MS, POLL_MS);
    }
  });

  test('commands inside a service find it', async () => {
    const list = async () => {
      const words = ['exec', '-T', 'bot-runner', '/app/runtime', 'ls', '--json'];
      const text = await project.compose(...words).catch(() => '');
      return [TICKER, LATECOMER].every(({ id }) => text.includes(id)) ? text : undefined;
    };
    assert.ok(!(await poll('both bots in ls', list, DEADLINE_MS, POLL_MS)).includes(COUNTER.id));
    const why = await project.compose('exec', '-T', 'bot-scheduler', '/app/runtime', 'why', COUNTER.id);
    assert.match(why, /next run/i);
  });

  test('told to end with their bots, the services leave nothing behind', async () => {
    for (const service of ['bot-runner', 'bot-scheduler']) {
      const container = docker.getContainer(await project.idOf(service));
      await container.update({ RestartPolicy: { Name: 'no' } });
      // Not `exec`: the command would end with the service, and not say how it went.
      await project.compose('run', '--rm', '--no-deps', '-T', service, '/app/runtime', 'down');
    }
    await project.compose('down', '--volumes');
    assert.deepEqual(await project.leftovers(), []);
  });
});

function nonEmpty(ids: readonly string[]): readonly [string, ...string[]] | undefined {
  const [first, ...others] = ids;
  return first === undefined ? undefined : [first, ...others];
}
