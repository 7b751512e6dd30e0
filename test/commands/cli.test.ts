import assert from 'node:assert/strict';
import { constants, readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isEveryday } from '../../src/commands/everyday-flags.ts';
import { allSettings } from '../../src/config/settings.ts';
import { startAdmin, temporaryDirectory } from '../admin/admin-fixture.ts';
import { FakeReadSide, reason, status, T0 } from '../admin/fake-read-side.ts';
import { runCli } from './run-cli.ts';

/** Runs the CLI against a runtime that is only its admin server. */
async function withRuntime(t: TestContext, readSide: FakeReadSide) {
  const admin = await startAdmin(t, readSide);
  const cli = (...words: string[]) => runCli(words, { env: { THE0_ADMIN: admin.socketPath } });
  return { ...admin, cli };
}

const VERBS = ['up', 'down', 'ls', 'why', 'logs', 'query', 'restart', 'reset', 'settings', 'version'];

test('without a command it shows all of them and is content', async () => {
  const { code, stdout } = await runCli([]);
  assert.equal(code, 0);
  for (const verb of VERBS) assert.match(stdout, new RegExp(`^  ${verb} `, 'm'));
  assert.match(stdout, /Exit codes: 0 done, 1 failed, 2/);
});

test('every command has help with an example', async () => {
  const helps = await Promise.all(VERBS.filter((verb) => verb !== 'version').map((verb) => runCli([verb, '--help'])));
  for (const { code, stdout } of helps) {
    assert.equal(code, 0);
    assert.match(stdout, /Examples?:\n {2}\$ /);
  }
});

test('the help of up shows what most people look for, the common ones first, and says where all others are', async () => {
  const { stdout } = await runCli(['up', '--help']);
  for (const setting of allSettings()) {
    assert.equal(new RegExp(`--${setting.flag} <`).test(stdout), isEveryday(setting), setting.flag);
  }
  assert.match(stdout, /--bots <path>\n.*\(default\s+images\/bots;\s+THE0_BOTS\)/);
  assert.match(stdout, /npx the0-runtime settings <word>/);
  assert.ok(stdout.indexOf('Common:') < stdout.indexOf('Queries:'));
  assert.ok(stdout.split('\n').length < 120);
});

test('no help is wider than 80 columns, but for examples', async () => {
  const verbs = [...VERBS, 'deploy', 'gc', 'bot-runner', 'bot-scheduler', 'query-server'];
  for (const { stdout } of await Promise.all(verbs.map((verb) => runCli([verb, '--help'])))) {
    const wide = stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  $ '));
    assert.deepEqual(wide, []);
  }
});

test('what it does not know is exit code 1 with a word about it', async () => {
  const all = await Promise.all(
    [['lss'], ['ls', '--frob'], ['why'], ['completion', 'bash']].map((words) => runCli(words)),
  );
  const [verb, flag, argument, completion] = all;
  assert.ok(verb && flag && argument && completion);
  assert.deepEqual(
    all.map(({ code }) => code),
    [1, 1, 1, 1],
  );
  assert.match(completion.stderr, /unknown command 'completion'/);
  assert.match(verb.stderr, /unknown command 'lss'\n\(Did you mean ls\?\)/);
  assert.match(flag.stderr, /unknown option '--frob'/);
  assert.match(argument.stderr, /missing required argument 'bot'/);
});

test('version prints our own name and version', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal((await runCli(['version'])).stdout, `the0-runtime ${version}\n`);
});

test('with no runtime every command that needs one is exit code 2 and says how to start it', async (t) => {
  const cwd = await temporaryDirectory(t);
  const commands = [
    ['ls'],
    ['why', 'a'],
    ['logs', 'a'],
    ['query', 'a', '/x'],
    ['restart', 'a'],
    ['reset', 'a'],
    ['down'],
  ];
  for (const { code, stdout, stderr } of await Promise.all(commands.map((words) => runCli(words, { cwd })))) {
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /no runtime is running here: there is no socket .*\/\.the0\/admin\.sock\nstart it with `npm start`/,
    );
  }
});

test('the socket is found by --data-dir, by --admin and by THE0_ADMIN; a flag beats the variable', async (t) => {
  const { directory, socketPath } = await startAdmin(t, new FakeReadSide(status('a')));
  const env = { THE0_ADMIN: '/nowhere/admin.sock' };
  const results = await Promise.all([
    runCli(['ls', '--data-dir', directory], { env }),
    runCli(['ls', '--admin', socketPath], { env }),
    runCli(['ls'], { env: { THE0_ADMIN: socketPath } }),
    runCli(['ls'], { env: { THE0_DATA_DIR: directory } }),
    runCli(['ls'], { env }),
  ]);
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 0, 0, 2],
  );
});

test('ls prints a table without colours or cuts in a pipe, and troubles beside it', async (t) => {
  const readSide = new FakeReadSide(
    status('alpha', { restarts: 2 }),
    status('evil\u001b[2J', {
      state: 'backing-off',
      endpoint: null,
      reason: reason({ code: 'bot-crashed', facts: { exitCode: 3, detail: '\u001b]0;pwned\u0007 boom'.repeat(20) } }),
    }),
  );
  readSide.troubles = ['Docker cannot be reached.'];
  const { cli } = await withRuntime(t, readSide);
  const { code, stdout, stderr } = await cli('ls');
  assert.equal(code, 0);
  const [heading, alpha, evil] = stdout.split('\n');
  assert.match(heading ?? '', /^ID +STATE +SINCE +RESTARTS +QUERY +WHY$/);
  assert.match(alpha ?? '', /^alpha +running +\d+\w.* ago +2 +127\.0\.0\.1:20001 +\S/);
  assert.match(evil ?? '', /^evil +backing-off .* on request +.*code 3/);
  assert.ok(!stdout.includes('\u001b'));
  assert.match(stderr, /trouble: Docker cannot be reached\./);
});

test('ls names what is no bot where one might be expected, beside the result', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  readSide.ignored = ['the folder b in bots has no bot.json'];
  const { cli } = await withRuntime(t, readSide);
  const [text, json] = await Promise.all([cli('ls'), cli('ls', '--json')]);
  for (const { stderr } of [text, json]) assert.match(stderr, /^not a bot: the folder b in bots has no bot\.json$/m);
  assert.doesNotMatch(text.stdout + json.stdout, /bot\.json/);
});

test('ls marks a bot whose container is outdated', async (t) => {
  const { cli } = await withRuntime(t, new FakeReadSide(status('a', { outdated: true }), status('b')));
  const [, a, b] = (await cli('ls')).stdout.split('\n');
  assert.match(a ?? '', / \(outdated\) The bot /);
  assert.doesNotMatch(b ?? '', /outdated/);
});

test('ls is coloured when that is asked for', async (t) => {
  const { socketPath } = await startAdmin(t, new FakeReadSide(status('a')));
  const { stdout } = await runCli(['ls'], { env: { THE0_ADMIN: socketPath, FORCE_COLOR: '1' } });
  assert.ok(stdout.includes('\u001b[32mrunning\u001b[39m'));
});

test('ls --json is the promised array and nothing else', async (t) => {
  const { cli } = await withRuntime(
    t,
    new FakeReadSide(status('a', { restarts: 1 }), status('b', { state: 'blocked', endpoint: null })),
  );
  const { code, stdout, stderr } = await cli('ls', '--json');
  assert.equal(code, 0);
  assert.equal(stderr, '');
  const bots: unknown = JSON.parse(stdout);
  assert.ok(Array.isArray(bots));
  const text = bots[0].reason.text;
  assert.equal(typeof text, 'string');
  const since = '2026-03-14T15:09:26.000Z';
  const why = { code: 'first-start', text };
  assert.deepEqual(bots, [
    { id: 'a', type: 'realtime', state: 'running', reason: why, restarts: 1, since, endpoint: '127.0.0.1:20001' },
    { id: 'b', type: 'realtime', state: 'blocked', reason: why, restarts: 0, since, endpoint: null },
  ]);
});

test('ls without bots says how to add one; with --json it is an empty array', async (t) => {
  const { cli } = await withRuntime(t, new FakeReadSide());
  assert.match((await cli('ls')).stdout, /No bots yet/);
  assert.deepEqual(JSON.parse((await cli('ls', '--json')).stdout), []);
});

test('why explains state, cause, advice, retry and what happened, newest last', async (t) => {
  // Spans of which a slow machine cannot make others.
  const crashedAt = Date.now() - 90 * 60_000;
  const crashed = reason({ code: 'bot-crashed', facts: { exitCode: 3 }, at: crashedAt });
  const readSide = new FakeReadSide(
    status('a', {
      state: 'backing-off',
      reason: crashed,
      restarts: 4,
      since: crashedAt,
      retryAt: Date.now() + 3 * 3_600_000,
      endpoint: null,
    }),
  );
  readSide.timelines.set('a', [
    { from: 'starting', to: 'running', reason: reason({ at: T0 }) },
    { from: 'running', to: 'backing-off', reason: crashed },
  ]);
  const { cli } = await withRuntime(t, readSide);
  const { code, stdout } = await cli('why', 'a');
  assert.equal(code, 0);
  assert.match(stdout, /^a {2}backing-off {2}since [\d: -]+ UTC \(1h 3\dm ago\)\n/);
  assert.match(stdout, /^why +The bot exited with code 3/m);
  assert.match(stdout, /^cause +the bot itself \(bot-crashed\), tried again by itself$/m);
  assert.match(stdout, /^to do +\S/m);
  assert.match(stdout, /^retry +in (3h|2h 5\dm), at [\d: -]+ UTC$/m);
  assert.match(stdout, /^restarts +4 after a crash, since it was first seen$/m);
  assert.match(
    stdout,
    /TIME \(UTC\) +STATE +WHY\n2026-03-14 15:09:26 +running .*\n[\d: -]+ +backing-off .*code 3.*\n$/,
  );
});

test('why shows the end of a long history, how much more there is, and all of it when asked', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  const entry = (index: number) => ({ from: 'x', to: 'running', reason: reason({ at: T0 + index * 1_000 }) });
  readSide.timelines.set(
    'a',
    Array.from({ length: 40 }, (_, index) => entry(index)),
  );
  const { cli } = await withRuntime(t, readSide);
  const [usual, all, none, wrong] = await Promise.all([
    cli('why', 'a'),
    cli('why', 'a', '--history', 'all'),
    cli('why', 'a', '--history', '0'),
    cli('why', 'a', '--history', 'few'),
  ]);
  const shown = ({ stdout }: { stdout: string }) => stdout.match(/^2026-03-14 15:\S+ +running/gm)?.length ?? 0;
  assert.deepEqual([shown(usual), shown(all), shown(none)], [15, 40, 0]);
  assert.match(usual.stdout, /\n25 older, shown by --history all\nTIME .*\n2026-03-14 15:09:51 /);
  assert.match(usual.stdout, /15:10:05 +running .*\n$/);
  assert.match(none.stdout, /\n40 older, shown by --history all\n$/);
  assert.match(wrong.stderr, /--history: "few" is not a number of lines or `all`/);
});

test('why tells what the agent says of a running bot, or that it could not be asked', async (t) => {
  const readSide = new FakeReadSide(status('a'));
  readSide.conditions = [{ code: 'state-too-large', message: 'the state\u001b[2J is too large', since: T0 }];
  const { cli } = await withRuntime(t, readSide);
  assert.match((await cli('why', 'a')).stdout, /^but +the state is too large \(state-too-large, since [^)]+\)$/m);
  const { conditions } = JSON.parse((await cli('why', 'a', '--json')).stdout);
  assert.deepEqual(conditions, [{ ...readSide.conditions[0], since: new Date(T0).toISOString() }]);
  readSide.conditions = [];
  readSide.conditionsUnknown = 'its agent could not be asked within 5000 ms';
  assert.match((await cli('why', 'a')).stdout, /^but +its agent could not be asked within 5000 ms$/m);
  assert.equal(JSON.parse((await cli('why', 'a', '--json')).stdout).conditions, null);
});

test('why of a bot whose schedule never comes says so, and counts no restarts', async (t) => {
  const never = status('a', {
    kind: 'scheduled',
    state: 'idle',
    endpoint: null,
    reason: reason({ code: 'schedule-never' }),
  });
  const { cli } = await withRuntime(t, new FakeReadSide(never));
  const [why, ls] = await Promise.all([cli('why', 'a'), cli('ls')]);
  assert.match(why.stdout, /^why +The bot's schedule names no time within the next five years, so it does not run\.$/m);
  assert.match(why.stdout, /^to do +Correct `config\.schedule`; February 30/m);
  assert.doesNotMatch(why.stdout, /^restarts/m);
  assert.match(ls.stdout, /^a +idle +\S.* +- +on request +The bot's schedule names no time/m);
});

test('why names no cause where nothing is wrong', async (t) => {
  const { cli } = await withRuntime(t, new FakeReadSide(status('a')));
  const { stdout } = await cli('why', 'a');
  assert.match(stdout, /^code +first-start$/m);
  assert.doesNotMatch(stdout, /^cause/m);
});

test('why --json adds the reason in full and the timeline to what ls --json gives', async (t) => {
  const readSide = new FakeReadSide(status('a', { retryAt: T0 + 1000 }));
  readSide.timelines.set('a', [{ from: 'starting', to: 'running', reason: reason() }]);
  const { cli } = await withRuntime(t, readSide);
  const { id, reason: why, retryAt, timeline } = JSON.parse((await cli('why', 'a', '--json')).stdout);
  assert.equal(id, 'a');
  assert.deepEqual(Object.keys(why).sort(), [
    'advice',
    'at',
    'code',
    'facts',
    'incarnation',
    'origin',
    'retry',
    'severity',
    'specRevision',
    'text',
  ]);
  assert.equal(retryAt, '2026-03-14T15:09:27.000Z');
  assert.deepEqual(
    [timeline[0].from, timeline[0].to, timeline[0].at],
    ['starting', 'running', '2026-03-14T15:09:26.000Z'],
  );
});

test('a bot that nobody knows is exit code 1, with the ones that may have been meant', async (t) => {
  const { cli } = await withRuntime(t, new FakeReadSide(status('ticker'), status('market-maker')));
  const results = await Promise.all([
    cli('why', 'tikcer'),
    cli('restart', 'maker'),
    cli('logs', 'zzzzzz'),
    cli('query', 'Ticker', '/x'),
  ]);
  assert.deepEqual(
    results.map(({ code }) => code),
    [1, 1, 1, 1],
  );
  const [why, restart, logs] = results;
  assert.match(why.stderr, /no bot is called "tikcer"\ndid you mean ticker\?/);
  assert.match(restart.stderr, /did you mean market-maker\?/);
  assert.match(logs.stderr, /no bot is called "zzzzzz"\nnpx the0-runtime ls shows all bots/);
});

test('query prints the data as JSON, or the error on stderr with exit code 1', async (t) => {
  const bodies: unknown[] = [];
  const frontEnd = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const body = JSON.parse(text);
      bodies.push(body);
      const known = body.query_path === '/status';
      response.writeHead(known ? 200 : 500, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          known
            ? { status: 'ok', data: { price: 1.5 }, duration: 1, timestamp: 't' }
            : { status: 'error', error: 'no\u001b[2J handler', duration: 0, timestamp: 't' },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => frontEnd.listen(0, '127.0.0.1', resolve));
  t.after(() => frontEnd.close());
  const address = frontEnd.address();
  assert.ok(typeof address === 'object' && address !== null);
  const readSide = new FakeReadSide(status('a'));
  readSide.queryUrl = `http://127.0.0.1:${address.port}`;
  const { cli } = await withRuntime(t, readSide);

  const ok = await cli('query', 'a', '/status', 'pair=BTC/USD', 'limit:=10', 'expr=a=b', '--timeout', '1m1ms');
  assert.deepEqual([ok.code, JSON.parse(ok.stdout), ok.stderr], [0, { price: 1.5 }, '']);
  assert.deepEqual(bodies, [
    { bot_id: 'a', query_path: '/status', params: { pair: 'BTC/USD', limit: 10, expr: 'a=b' }, timeout_sec: 61 },
  ]);

  const failed = await cli('query', 'a', '/nope');
  assert.deepEqual([failed.code, failed.stdout, failed.stderr], [1, '', 'error: no handler\n']);
  const json = await cli('query', 'a', '/nope', '--json');
  assert.deepEqual([json.code, JSON.parse(json.stdout).status], [1, 'error']);
});

test('query of a path without a handler says which have one', async (t) => {
  const frontEnd = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { query_path: path } = JSON.parse(text);
      const data = { available_queries: ['/price', '/alerts', '/health', '/info', 7] };
      const isInfo = path === '/info';
      response.writeHead(isInfo ? 200 : 500, { 'content-type': 'application/json' });
      const answer = isInfo ? { status: 'ok', data } : { status: 'error', error: `No handler for path: ${path}` };
      response.end(JSON.stringify({ ...answer, duration: 1, timestamp: 't' }));
    });
  });
  await new Promise<void>((resolve) => frontEnd.listen(0, '127.0.0.1', resolve));
  t.after(() => frontEnd.close());
  const address = frontEnd.address();
  assert.ok(typeof address === 'object' && address !== null);
  const readSide = new FakeReadSide(status('a'), status('asleep', { state: 'idle', endpoint: null }));
  readSide.queryUrl = `http://127.0.0.1:${address.port}`;
  const { cli } = await withRuntime(t, readSide);
  const [near, far, asleep] = await Promise.all([
    cli('query', 'a', '/pric'),
    cli('query', 'a', '/'),
    cli('query', 'asleep', '/pric'),
  ]);
  const all = 'it answers /price, /alerts, /health, /info';
  assert.equal(near.stderr, `error: No handler for path: /pric\ndid you mean /price? ${all}\n`);
  assert.equal(far.stderr, `error: No handler for path: /\n${all}\n`);
  assert.match(asleep.stderr, /\nnpx the0-runtime query asleep \/info shows the paths that it answers\.\n$/);
  assert.deepEqual([near.code, near.stdout], [1, '']);
});

test('query refuses parameters it cannot read', async () => {
  const [bare, json] = await Promise.all([
    runCli(['query', 'a', '/x', 'pair']),
    runCli(['query', 'a', '/x', 'n:=ten']),
  ]);
  assert.deepEqual([bare.code, json.code], [1, 1]);
  assert.match(bare.stderr, /"pair" is not a parameter\nwrite key=value/);
  assert.match(json.stderr, /n:= must be followed by JSON.*\nfor text write n=ten/);
});

test('settings lists every setting, marks what the environment sets, and hides secrets', async () => {
  const env = { THE0_STOP_GRACE: '5s', QUERY_TOKEN: 'hush' };
  const [text, json] = await Promise.all([runCli(['settings'], { env }), runCli(['settings', '--json'], { env })]);
  assert.match(text.stdout, /--stop-grace <duration> +THE0_STOP_GRACE +5s \*/);
  assert.doesNotMatch(text.stdout + json.stdout, /hush/);
  const rows: unknown = JSON.parse(json.stdout);
  assert.ok(Array.isArray(rows));
  assert.equal(rows.length, allSettings().length);
});

test('settings with words shows those that are about all of them', async () => {
  const [text, json, none] = await Promise.all([
    runCli(['settings', 'DOCKER', 'network']),
    runCli(['settings', '--json', '--', '--bot-memory']),
    runCli(['settings', 'frobnicate']),
  ]);
  assert.deepEqual(text.stdout.match(/--[\w-]+/g), ['--docker-network']);
  const rows: { env: string }[] = JSON.parse(json.stdout);
  assert.deepEqual(
    rows.map(({ env }) => env),
    ['BOT_MEMORY_LIMIT_MB'],
  );
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /No setting is about "frobnicate"/);
});

test('up with a setting that cannot be used is exit code 1 and names it', async () => {
  const { code, stderr } = await runCli(['up', '--stop-grace', 'soon']);
  assert.equal(code, 1);
  assert.match(stderr, /error: flag --stop-grace: "soon" is not a duration/);
  assert.match(stderr, /the0-runtime settings shows every setting/);
});

test('a Node that is too old or too new is told so, and what is needed', () => {
  const { problemWith } = createRequire(import.meta.url)('../../src/commands/preflight.cjs');
  for (const version of ['22.18.0', '22.23.3']) assert.equal(problemWith(version), null);
  for (const version of ['18.20.0', '20.20.2', '22.17.1', '23.0.0', '24.1.0']) {
    assert.match(
      problemWith(version),
      new RegExp(`Node ${version.replaceAll('.', '\\.')} found, 22\\.18 or newer 22 needed`),
    );
  }
});

test('a Node that is too old hands over to the one that npm has installed in the project', async (t) => {
  const directory = await temporaryDirectory(t);
  const otherNode = join(directory, 'node');
  await copyFile(process.execPath, otherNode, constants.COPYFILE_FICLONE);
  const pretend = join(directory, 'pretend.cjs');
  await writeFile(
    pretend,
    `if (process.execPath === ${JSON.stringify(otherNode)})
      Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });`,
  );
  const env = { NODE_OPTIONS: `--require=${pretend}` };
  const [good, bad] = await Promise.all([
    runCli(['version'], { node: otherNode, cwd: directory, env }),
    runCli(['frob'], { node: otherNode, cwd: directory, env }),
  ]);
  assert.deepEqual([good.code, good.stderr], [0, '']);
  assert.match(good.stdout, /^the0-runtime \d/);
  assert.deepEqual([bad.code, bad.stdout], [1, '']);
  assert.match(bad.stderr, /unknown command 'frob'/);
});
