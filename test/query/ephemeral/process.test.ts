import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { botJson, writeBot, writeWhole } from '../../e2e/bot-folders.ts';
import { type RuntimeInProcess, startInProcess } from '../../e2e/runtime-in-process.ts';
import { makeFolders, poll, type RuntimeFolders, removeFolders, startRuntime } from '../../e2e/runtime-under-test.ts';
import { type Ask, askOver, expectAnswers, expectCloseQueries, stoppedBots } from './stopped-bots.ts';

const DEADLINE_MS = 60_000;
const bots = stoppedBots();
let folders: RuntimeFolders;
let runtime: RuntimeInProcess;
let ask: Ask;

const remains = () => readdir(join(folders.dataDir, 'query-runs')).catch(() => []);

describe('bots of a directory that do not run answer queries (engine process)', () => {
  before(async () => {
    folders = await makeFolders();
    for (const bot of Object.values(bots)) await writeBot(folders.botsDir, bot);
    runtime = await startInProcess('process', folders, { shards: '1' });
    ask = askOver(runtime.queryUrl);
  });
  after(async () => {
    await runtime?.close();
    await removeFolders(folders);
  });

  it('with the answer or the error of their handlers', () => expectAnswers(ask, bots));

  it('however many ask at the same time', () => expectCloseQueries(ask, bots));

  it('also when they wait after a crash, and with their state', async () => {
    const id = 'crashes';
    const state = join(folders.dataDir, 'state', id, '.the0-state');
    await mkdir(state, { recursive: true });
    await writeFile(join(state, 'kept.json'), '{"n":5}');
    const query = `const { query, state } = require('@alexanderwanyoike/the0-node');\nquery.handler('/kept', () => state.get('kept'));\nquery.run();\n`;
    await writeBot(folders.botsDir, { id, files: { 'main.js': 'process.exit(1);', 'query.js': query } });
    const backsOff = async () => (await runtime.supervisor.ask(id, 1_000))?.state === 'backing-off' || undefined;
    await poll('the bot to back off', backsOff, DEADLINE_MS);
    // At the moment of the question it may have been started once more: then it cannot answer.
    const answered = async () => {
      const { httpStatus, body } = await ask(id, '/kept');
      return httpStatus === 200 ? body : undefined;
    };
    assert.deepEqual((await poll('an answer', answered, DEADLINE_MS)).data, { n: 5 });
  });

  it('also when they are on a schedule', async () => {
    const id = 'on-a-schedule';
    const query = `const { query } = require('@alexanderwanyoike/the0-node');\nquery.handler('/type', () => process.env.BOT_TYPE);\nquery.run();\n`;
    const bot = { id, files: { 'main.js': '', 'query.js': query }, config: { schedule: '0 0 1 1 *' } };
    const { custom, ...rest } = botJson(bot);
    const scheduled = { ...rest, custom: { ...custom, config: { ...custom.config, type: 'scheduled' } } };
    await mkdir(join(folders.botsDir, id));
    for (const [name, text] of Object.entries(bot.files)) await writeFile(join(folders.botsDir, id, name), text);
    await writeWhole(join(folders.botsDir, id, 'bot.json'), JSON.stringify(scheduled));
    const known = async () => ((await ask(id, '/type')).httpStatus === 404 ? undefined : true);
    await poll('the bot to be known', known, DEADLINE_MS);
    const { httpStatus, body } = await ask(id, '/type');
    assert.deepEqual([httpStatus, body.data], [200, 'scheduled'], JSON.stringify(body));
  });

  it('within their time or not at all, and leave nothing behind', async () => {
    const { httpStatus, body } = await ask(bots.node.id, '/never', {}, 1);
    assert.equal(httpStatus, 500);
    assert.match(String(body.error), /did not answer within 1 s/);
    await poll('nothing to be left', async () => ((await remains()).length === 0 ? true : undefined), DEADLINE_MS);
  });

  it('and are started meanwhile as if nobody had asked', async () => {
    const { node } = bots;
    const asked = ask(node.id, '/later');
    await poll('the program to run', async () => ((await remains()).length > 0 ? true : undefined), DEADLINE_MS);
    await writeBot(folders.botsDir, { ...node, enabled: true });
    const runs = async () => {
      const { body } = await ask(node.id, '/pid');
      return typeof body.data === 'object' && JSON.stringify(body.data) === '{"type":"realtime"}' ? true : undefined;
    };
    await poll('the bot itself to answer', runs, DEADLINE_MS);
    assert.equal((await asked).body.data, 'at last');
  });
});

it('a runtime that is killed while a bot answers leaves neither process nor directory for ever', async (t) => {
  const own = await makeFolders();
  t.after(() => removeFolders(own));
  const { node } = stoppedBots();
  await writeBot(own.botsDir, node);
  const first = await startRuntime({ engine: 'process', folders: own });
  const lost = first.ask(node.id, '/never').catch(() => undefined);
  const directory = join(own.dataDir, 'query-runs');
  const notes = async () => (await readdir(directory).catch(() => [])).some((name) => name.endsWith('.groups.json'));
  await poll('the program to run', async () => (await notes()) || undefined, DEADLINE_MS);
  await first.end('SIGKILL');
  await lost;
  const second = await startRuntime({ engine: 'process', folders: own });
  t.after(() => second.end('SIGINT'));
  assert.deepEqual(await readdir(directory), []);
  assert.equal((await second.ask(node.id, '/run')).httpStatus, 200);
});
