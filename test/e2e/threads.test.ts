import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { identityOf } from '../../src/agent/process-identity.ts';
import { placeBot } from '../../src/supervisor/placement.ts';
import { logTells } from './bad-luck/log.ts';
import { IDLE_NODE, writeBot } from './bot-folders.ts';
import { type RuntimeInProcess, startInProcess } from './runtime-in-process.ts';
import { makeFolders, poll, post, type RuntimeFolders, removeFolders, startRuntime } from './runtime-under-test.ts';

const IDS = ['one', 'two', 'three', 'four'];
const SHARDS = ['shard-0', 'shard-1'];
const DEADLINE_MS = 60_000;

const ownShard = SHARDS.map((shard) => IDS.filter((id) => placeBot(id, SHARDS) === shard));
const warnings: string[] = [];
const started: string[] = [];
let folders: RuntimeFolders;
let runtime: RuntimeInProcess;

before(async () => {
  folders = await makeFolders();
  for (const id of IDS) await writeBot(folders.botsDir, { id, files: IDLE_NODE });
  runtime = await startInProcess(
    'process',
    folders,
    { shards: '2', 'query-threads': '2', 'health-port': '0' },
    { transition: ({ botId, to }) => to === 'starting' && started.push(botId), warn: (text) => warnings.push(text) },
  );
  for (const id of IDS) await queryPid(id);
  started.length = 0;
});

after(async () => {
  await runtime.stopBots();
  await runtime.close();
  await removeFolders(folders);
});

test('bots are spread over both shards, or these tests would show nothing', () => {
  assert.ok(ownShard.every((ids) => ids.length > 0));
});

test('a shard that dies takes no bot with it, and a bot that crashes meanwhile is started again', async () => {
  const [victim = '', ...others] = ownShard[0] ?? [];
  const untouched = [...others, ...(ownShard[1] ?? [])];
  const before = await pids(untouched);
  const old = botPid(victim);
  runtime.supervisor.killShard('shard-0');
  process.kill(old, 'SIGKILL');
  await poll('the shard to be replaced', () => warned('Shard shard-0 died'), DEADLINE_MS);
  await poll(`${victim} to run anew`, async () => (botPidOrNull(victim) ?? old) !== old || undefined, DEADLINE_MS);
  await queryPid(victim);
  assert.deepEqual(await pids(untouched), before);
  assert.deepEqual(started.splice(0), [victim]);
});

test('the new actors know of their bots what the old ones knew', async () => {
  const before = await runtime.supervisor.list();
  const seen = warnings.length;
  runtime.supervisor.killShard('shard-1');
  await poll('the shard to be replaced', () => warned('Shard shard-1 died', seen), DEADLINE_MS);
  for (const { id, state, restarts, endpoint, containerId } of before) {
    const now = await poll(`${id} to be governed`, async () => (await ask(id)) ?? undefined, DEADLINE_MS);
    assert.deepEqual(
      { state: now.state, restarts: now.restarts, endpoint: now.endpoint, containerId: now.containerId },
      { state, restarts, endpoint, containerId },
    );
  }
});

test('a query thread that dies takes no bot with it, and queries go on', async () => {
  const before = await pids(IDS);
  const seen = warnings.length;
  runtime.frontEnd.killThread(0);
  await poll('the thread to die', () => warned('a query thread ended', seen), DEADLINE_MS);
  assert.deepEqual(await pids(IDS), before);
  assert.deepEqual(started, []);
});

test('the port is served again after all query threads died', async () => {
  const before = await pids(IDS);
  const seen = warnings.length;
  runtime.frontEnd.killThread(0);
  runtime.frontEnd.killThread(1);
  const died = async () =>
    warnings.slice(seen).filter((text) => text.includes('a query thread ended')).length === 2 || undefined;
  await poll('both threads to die', died, DEADLINE_MS);
  assert.deepEqual(await pids(IDS), before);
});

test('what failed and was replaced by now, and the queries in between, are on the page of metrics', async () => {
  const page = await (await fetch(`http://127.0.0.1:${runtime.healthPort}/metrics`)).text();
  const figure = (name: string) =>
    Number(
      page
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  assert.equal(figure('the0_runtime_faults_total{part="shard"}'), 2);
  assert.equal(figure('the0_query_threads_replaced_total'), 3);
  assert.equal(figure('the0_bot_restarts_total{reason="bot-killed"}'), 1);
  const answered = figure('the0_queries_total{way="bot",outcome="ok"}');
  assert.ok(answered >= IDS.length, page);
  const timed = figure('the0_query_duration_seconds_bucket{le="+Inf",way="bot"}');
  assert.equal(figure('the0_query_duration_seconds_count{way="bot"}'), timed);
  assert.ok(timed >= answered);
  assert.equal(figure('the0_queries_in_flight'), 0);
  assert.equal(figure('the0_query_runs{state="running"}'), 0);
});

test('a second Ctrl-C ends the runtime at once, with open connections of those who ask', async () => {
  const own = await makeFolders();
  const stubborn = `process.on('SIGTERM', () => {});\nconsole.log('deaf');\n${IDLE_NODE['main.js']}`;
  await writeBot(own.botsDir, { id: 'stubborn', files: { ...IDLE_NODE, 'main.js': stubborn } });
  // A grace that is not over before the second Ctrl-C; without the runtime the agent cuts it short.
  const up = await startRuntime({ engine: 'process', folders: own, flags: ['--stop-grace', '5m'] });
  const agent = new Agent({ keepAlive: true });
  try {
    await poll('an answer', async () => ((await askOn(agent, up.queryUrl)) === 200 ? true : undefined), DEADLINE_MS);
    await logTells(up, 'stubborn', 'deaf');
    up.process.kill('SIGINT');
    await poll('the bots to be stopped', async () => up.output().includes('Stopping') || undefined, DEADLINE_MS);
    const ended = once(up.process, 'exit');
    up.process.kill('SIGINT');
    assert.deepEqual(await ended, [null, 'SIGINT']);
    assert.doesNotMatch(up.output(), /open handles|stack trace/i);
  } finally {
    agent.destroy();
    await up.end('SIGKILL');
    const left = identityOf(botPidOrNull('stubborn', own) ?? 0);
    await poll('the bot to end', async () => left === null || identityOf(left.pid) === null || undefined, DEADLINE_MS);
    await removeFolders(own);
  }
});

/** Every bot's own process and its query server, the latter as it says itself. */
async function pids(ids: readonly string[]): Promise<Record<string, [number, unknown]>> {
  const all: Record<string, [number, unknown]> = {};
  for (const id of ids) all[id] = [botPid(id), await queryPid(id)];
  return all;
}

/** The port may be closed for a moment, and a connection may be lost with its thread. */
async function queryPid(botId: string): Promise<unknown> {
  const question = { bot_id: botId, query_path: '/pid', timeout_sec: 10 };
  return await poll(
    `an answer of ${botId}`,
    async () => {
      const answer = await post(`${runtime.queryUrl}/query`, question).catch(() => undefined);
      return answer?.body.status === 'ok' ? answer.body.data : undefined;
    },
    DEADLINE_MS,
  );
}

function botPid(botId: string): number {
  const pid = botPidOrNull(botId);
  assert.ok(pid !== null, `${botId} has no process`);
  return pid;
}

/** From the notes of the process engine; null between two starts. */
function botPidOrNull(botId: string, { dataDir }: RuntimeFolders = folders): number | null {
  try {
    const notes = readFileSync(join(dataDir, 'run', `${botId}.groups.json`), 'utf8');
    const pid = /"bot":\{"pid":(\d+)/.exec(notes)?.[1];
    return pid === undefined ? null : Number(pid);
  } catch {
    return null;
  }
}

async function ask(botId: string) {
  return await runtime.supervisor.ask(botId, 500);
}

async function warned(text: string, from = 0): Promise<true | undefined> {
  return warnings.slice(from).some((warning) => warning.includes(text)) || undefined;
}

function askOn(agent: Agent, queryUrl: string): Promise<number | undefined> {
  return new Promise((answered, failed) => {
    const call = request(`${queryUrl}/query`, { method: 'POST', agent }, (response) => {
      response.resume().on('end', () => answered(response.statusCode));
    });
    call.on('error', failed);
    call.end(JSON.stringify({ bot_id: 'stubborn', query_path: '/pid' }));
  });
}
