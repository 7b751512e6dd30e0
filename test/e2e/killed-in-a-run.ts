import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import * as v from 'valibot';
import { LocalRunLedger } from '../../src/desired/local/local-run-ledger.ts';
import { dataPaths } from '../../src/storage/data-directory.ts';
import { removeContainersIn } from './bad-luck/scene.ts';
import { uniqueId } from './bad-luck/unique-id.ts';
import { writeBot } from './bot-folders.ts';
import { makeFolders, poll, type RuntimeUnderTest, removeFolders, startRuntime } from './runtime-under-test.ts';

const DEADLINE_MS = 60_000;
const EXIT_CODE = 7;

/** Notes when each of its runs begins and ends; a run lasts until somebody lets it go. */
const LASTS = `
const fs = require('node:fs');
const dir = process.env.STATE_DIR;
exports.main = async () => {
  fs.mkdirSync(dir, { recursive: true });
  fs.appendFileSync(dir + '/runs', 'begin ' + process.pid + '\\n');
  while (!fs.existsSync(dir + '/go')) await new Promise((done) => setTimeout(done, 20));
  fs.appendFileSync(dir + '/runs', 'end ' + process.pid + '\\n');
  process.exit(${EXIT_CODE});
};
`;

const lineSchema = v.object({
  to: v.string(),
  code: v.string(),
  facts: v.object({ occurrence: v.number(), exitCode: v.optional(v.number()) }),
});

/** What this runtime printed about runs. */
function toldIn({ output }: RuntimeUnderTest) {
  // The last line may be half there.
  const lines = output().split('\n').slice(0, -1);
  return lines.filter((line) => line.includes('"occurrence":')).map((line) => v.parse(lineSchema, JSON.parse(line)));
}

/** The occurrences that it starts. */
function startsIn(runtime: RuntimeUnderTest): number[] {
  return toldIn(runtime).flatMap(({ to, facts }) => (to === 'starting' ? [facts.occurrence] : []));
}

function endsIn(runtime: RuntimeUnderTest, occurrence: number) {
  return toldIn(runtime).filter(({ to, facts }) => to === 'idle' && facts.occurrence === occurrence);
}

/** A runtime is killed in the middle of a run, and another one goes on in its data directory. */
export async function killedInARun(t: TestContext, engine: 'process' | 'docker'): Promise<void> {
  const folders = await makeFolders();
  t.after(async () => {
    if (engine === 'docker') await removeContainersIn(folders);
    await removeFolders(folders);
  });
  const runtimeOf = async (): Promise<RuntimeUnderTest> => {
    const runtime = await startRuntime({ engine, folders, flags: ['--stop-grace', '1s'] });
    t.after(() => runtime.end('SIGKILL'));
    return runtime;
  };
  const id = uniqueId('lasts');
  const stateDir = join(dataPaths(folders.dataDir).state(id), '.the0-state');
  const ledger = new LocalRunLedger({ directory: dataPaths(folders.dataDir).schedules, owner: 'who looks' });
  const recorded = async () => (await ledger.read(id))?.run ?? null;
  const runs = async () => {
    const text = await readFile(join(stateDir, 'runs'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  };

  const first = await runtimeOf();
  await writeBot(folders.botsDir, {
    id,
    files: { 'main.js': LASTS },
    entrypoints: { bot: 'main.js' },
    schedule: '* * * * * *',
  });
  const begun = await poll('the first run', async () => (await runs())[0], DEADLINE_MS);
  const inFlight = await poll(
    'its start to be recorded',
    async () => {
      const run = await recorded();
      return run?.state === 'started' ? run : undefined;
    },
    DEADLINE_MS,
  );
  const { containerId } = await first.until(id, 'runs', ({ state }) => state === 'running');
  await first.end('SIGKILL');
  const { occurrence } = inFlight;
  assert.deepEqual(startsIn(first), [occurrence]);

  const second = await runtimeOf();
  if (engine === 'docker') {
    const adopted = await second.until(id, 'is adopted', ({ state }) => state === 'running');
    assert.deepEqual([adopted.reason.code, adopted.containerId], ['run-adopted', containerId]);
    assert.deepEqual([await runs(), startsIn(second)], [[begun], []], 'several were due meanwhile');
    assert.deepEqual(await recorded(), { ...inFlight, mine: false });
    await writeFile(join(stateDir, 'go'), '');
    await poll('its end', async () => (await runs())[1] === begun.replace('begin', 'end') || undefined, DEADLINE_MS);
  } else {
    const next = await poll('the next run', async () => (await runs())[1], DEADLINE_MS);
    assert.match(next, /^begin /);
    assert.throws(() => process.kill(Number(begun.slice('begin '.length)), 0), { code: 'ESRCH' });
    await writeFile(join(stateDir, 'go'), '');
  }
  const told = await poll('its end to be told', async () => endsIn(second, occurrence)[0], DEADLINE_MS);
  if (engine === 'docker') assert.deepEqual([told.code, told.facts.exitCode], ['run-failed', EXIT_CODE]);
  else assert.equal(told.code, 'run-end-unseen');

  await poll(
    'two later runs to be recorded with their code',
    async () => {
      const run = await recorded();
      const isLater = run !== null && run.occurrence > occurrence && startsIn(second).length > 1;
      return (isLater && run.state === 'finished' && run.exitCode === EXIT_CODE) || undefined;
    },
    DEADLINE_MS,
  );
  assert.equal(await second.end('SIGINT'), 0);
  const started = [...startsIn(first), ...startsIn(second)];
  assert.equal(new Set(started).size, started.length, `each once: ${started}`);
  assert.equal(endsIn(second, occurrence).length, 1);
  const noted = await runs();
  assert.ok(noted.filter((line) => line.startsWith('begin')).length <= started.length, noted.join());
  // One that was killed has no end; no other begins before the one before has ended.
  const whole = engine === 'docker' ? noted : noted.slice(1);
  const begins = whole.filter((_, index) => index % 2 === 0);
  const ends = whole.filter((_, index) => index % 2 === 1);
  for (const line of begins) assert.match(line, /^begin /, noted.join());
  ends.forEach((line, index) => {
    assert.equal(line, begins[index]?.replace('begin', 'end'), noted.join());
  });
}
