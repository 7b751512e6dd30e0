import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bodyOf } from '../../../src/storage/object-store.ts';
import { needsMinio } from '../../services/minio.ts';
import { needsNats, startNats } from '../../services/nats.ts';
import { until } from '../agent-process.ts';
import { messagesOf, storedBot } from './stored-bot.ts';

const sh = (text: string) => `#!/bin/sh\n${text}\n`;

describe('execute with an object store', needsMinio(), () => {
  test('stores what the bot wrote and said, and the next start has it', async (t) => {
    const bot = await storedBot(t);
    const first = await bot.start({
      files: { bot: sh('mkdir -p "$STATE_DIR"; echo 1 > "$STATE_DIR/count.json"; echo said; echo oops >&2') },
    });
    assert.deepEqual((await first.ended).lastWords, {
      the0: 1,
      code: 'bot-exited',
      facts: { exitCode: 0, detail: 'oops' },
    });
    assert.equal(await bot.stateFile('.the0-state/count.json'), '1\n');
    assert.deepEqual(messagesOf(await bot.logLines()).sort(), ['oops', 'said']);

    const second = await bot.start({ files: { bot: sh('cat "$STATE_DIR/count.json"') } });
    assert.equal((await second.ended).code, 0);
    assert.equal(second.log(), '1\n');
  });

  test('stores a change soon after it was made, at any depth', async (t) => {
    const bot = await storedBot(t);
    const agent = await bot.start({ files: { bot: sh('trap "exit 0" TERM; while :; do sleep 0.05; done') } });
    const state = join(agent.root, 'state');
    await until('the agent to have begun', () => existsSync(join(agent.root, 'logs', 'state.session')));
    mkdirSync(join(state, 'a', 'b'), { recursive: true });
    writeFileSync(join(state, 'a', 'b', 'deep'), 'one');
    await bot.stored('a/b/deep', 'one');
    writeFileSync(join(state, 'a', 'b', 'deep'), 'two');
    await bot.stored('a/b/deep', 'two');
    agent.child.kill('SIGTERM');
    assert.equal((await agent.ended).code, 0);
  });

  test('what the bot writes while it obeys SIGTERM is stored', async (t) => {
    const bot = await storedBot(t);
    const last = 'trap \'mkdir -p "$STATE_DIR"; echo last > "$STATE_DIR/word"; echo bye; exit 7\' TERM';
    const agent = await bot.start({ files: { bot: sh(`${last}; echo up; while :; do sleep 0.05; done`) } });
    await agent.logged('up');
    agent.child.kill('SIGTERM');
    const end = await agent.ended;
    assert.equal(end.code, 7);
    assert.equal(await bot.stateFile('.the0-state/word'), 'last\n');
    // The shell itself may say that its `sleep` was ended.
    const said = messagesOf(await bot.logLines()).filter((message) => message !== 'Terminated');
    assert.deepEqual(said, ['up', 'bye']);
  });

  test('a stored state that cannot be read keeps the bot from starting, and its log says why', async (t) => {
    const bot = await storedBot(t);
    await bot.store.write(bot.place, bodyOf(Buffer.from('no archive')), {
      condition: null,
      contentType: 'application/gzip',
    });
    const agent = await bot.start({ files: { bot: sh('touch started') } });
    const end = await agent.ended;
    assert.equal(end.code, 1);
    assert.match(JSON.stringify(end.lastWords), /"code":"state-unreadable"/);
    assert.equal(existsSync(join(agent.root, 'code', 'started')), false);
    assert.match(String(messagesOf(await bot.logLines()).at(-1)), /the stored state cannot be used/);
    const kept = await bot.store.head(bot.place);
    assert.equal(kept?.size, 'no archive'.length);
  });

  test('a store that is away delays the start, then stops it with a reason', async (t) => {
    const bot = await storedBot(t);
    await bot.stopServer();
    const agent = await bot.start({ files: { bot: sh('touch started') }, limits: { storeAttempts: 2 } });
    const end = await agent.ended;
    assert.equal(end.code, 1);
    assert.match(JSON.stringify(end.lastWords), /"code":"store-unreachable"/);
    assert.equal(existsSync(join(agent.root, 'code', 'started')), false);
  });

  test('an end that cannot be stored is in the last words', async (t) => {
    const bot = await storedBot(t);
    const agent = await bot.start({
      files: { bot: sh('trap "exit 0" TERM; echo up; while :; do sleep 0.05; done') },
      limits: { lastStateMs: 300, lastLogsMs: 300 },
    });
    await agent.logged('up');
    await bot.stopServer();
    mkdirSync(join(agent.root, 'state', '.the0-state'), { recursive: true });
    writeFileSync(join(agent.root, 'state', '.the0-state', 'late'), 'x');
    agent.child.kill('SIGTERM');
    const { lastWords } = await agent.ended;
    assert.deepEqual(lastWords, { the0: 1, code: 'stopped', facts: { exitCode: 0, notStored: 'state and log' } });
  });

  test('an older start that meets the state of a later one ends, and stores nothing', async (t) => {
    const bot = await storedBot(t);
    const write = sh(
      'mkdir -p "$STATE_DIR"; echo "$1" >> "$STATE_DIR/by"; trap "exit 0" TERM; while :; do sleep 0.05; done',
    );
    const older = await bot.start({ files: { bot: write }, env: { THE0_INCARNATION: '1000' } });
    await bot.stored('.the0-state/by', '\n');
    const newer = await bot.start({
      files: { bot: sh('echo newer > "$STATE_DIR/by"') },
      env: { THE0_INCARNATION: '2000' },
    });
    assert.equal((await newer.ended).code, 0);
    writeFileSync(join(older.root, 'state', '.the0-state', 'by'), 'older');
    const end = await older.ended;
    assert.equal(end.code, 1);
    assert.deepEqual(end.lastWords, { the0: 1, code: 'state-superseded', facts: {} });
    assert.equal(await bot.stateFile('.the0-state/by'), 'newer\n');

    const late = await bot.start({ files: { bot: sh('touch started') }, env: { THE0_INCARNATION: '1500' } });
    assert.deepEqual((await late.ended).lastWords, { the0: 1, code: 'state-superseded', facts: {} });
    assert.equal(existsSync(join(late.root, 'code', 'started')), false);
  });

  test('a state above a limit is not stored, the good one stays, and a condition says so', async (t) => {
    const bot = await storedBot(t);
    const fill = 'mkdir -p "$STATE_DIR"; echo good > "$STATE_DIR/a"';
    await (await bot.start({ files: { bot: sh(fill) } })).ended;
    const big = 'echo new > "$STATE_DIR/a"; head -c 2000000 /dev/zero > "$STATE_DIR/big"';
    const agent = await bot.start({
      files: { bot: sh(`${big}; trap "exit 0" TERM; while :; do sleep 0.05; done`) },
      env: { MAX_STATE_SIZE_MB: '1' },
    });
    const conditions = join(agent.root, 'logs', 'conditions.json');
    await until('the condition', () => existsSync(conditions));
    assert.match(readFileSync(conditions, 'utf8'), /"code":"state-too-large".*MAX_STATE_SIZE_MB/);
    assert.equal(await bot.stateFile('.the0-state/a'), 'good\n');
    writeFileSync(join(agent.root, 'state', '.the0-state', 'big'), '');
    await bot.stored('.the0-state/a', 'new\n');
    await until('the condition to be over', () => !existsSync(conditions));
  });

  test('what the bot says is published as it says it', needsNats(), async (t) => {
    const bot = await storedBot(t);
    const nats = await startNats();
    t.after(() => nats.remove());
    const { hostname, port } = new URL(nats.url);
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    let seen = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      seen += chunk;
    });
    socket.write('CONNECT {"verbose":false}\r\nSUB the0.bot.logs.bot-1 1\r\nPING\r\n');
    await until('the subscription', () => seen.includes('PONG'));
    const agent = await bot.start({
      files: { bot: sh('trap "exit 0" TERM; while :; do echo said; sleep 0.05; done') },
      secrets: `${bot.secrets}NATS_URL=${nats.url}\n`,
      limits: { liveLogGatherMs: 5 },
    });
    await until('a line', () => seen.includes('said\n'));
    agent.child.kill('SIGTERM');
    await agent.ended;
    assert.match(seen, /MSG the0\.bot\.logs\.bot-1 1 \d+\r\n(?:said\n)+\r\n/);
  });

  test('a file that cannot be stored is a condition until it can be, or is gone', async (t) => {
    const bot = await storedBot(t);
    const agent = await bot.start({ files: { bot: sh('trap "exit 0" TERM; while :; do sleep 0.05; done') } });
    const keys = join(agent.root, 'state', '.the0-state');
    const conditions = join(agent.root, 'logs', 'conditions.json');
    await until('the agent to have begun', () => existsSync(join(agent.root, 'logs', 'state.session')));
    mkdirSync(keys);
    for (const end of ['mended', 'removed']) {
      writeFileSync(join(keys, 'a.json'), '{"half": ');
      await until('the condition', () => existsSync(conditions));
      assert.match(readFileSync(conditions, 'utf8'), /"code":"not-json".*a\.json/);
      if (end === 'mended') writeFileSync(join(keys, 'a.json'), '{}');
      else rmSync(join(keys, 'a.json'));
      await until('the condition to be over', () => !existsSync(conditions));
    }
  });

  test('--skip-sync brings the state and stores nothing', async (t) => {
    const bot = await storedBot(t);
    await (await bot.start({ files: { bot: sh('mkdir -p "$STATE_DIR"; echo 1 > "$STATE_DIR/a"') } })).ended;
    const before = (await bot.store.head(bot.place))?.etag;
    const agent = await bot.start({
      args: ['execute', '--skip-sync'],
      files: { bot: sh('cat "$STATE_DIR/a"; echo 2 > "$STATE_DIR/a"') },
    });
    await agent.ended;
    assert.equal(agent.log(), '1\n');
    assert.equal((await bot.store.head(bot.place))?.etag, before);
    assert.deepEqual(await bot.logLines(), []);
  });

  test('a directory that an older start has left is replaced by what a later one stored elsewhere', async (t) => {
    const bot = await storedBot(t);
    const set = (text: string) => sh(`mkdir -p "$STATE_DIR"; cat "$STATE_DIR/a"; echo ${text} > "$STATE_DIR/a"`);
    await (await bot.start({ files: { bot: set('here') }, env: { THE0_INCARNATION: '2000' } })).ended;
    const stale = (root: string) => {
      mkdirSync(join(root, 'state', '.the0-state'));
      writeFileSync(join(root, 'state', '.the0-state', 'a'), 'stale\n');
      writeFileSync(join(root, 'logs', 'state.session'), 'the0-session-1 1000\n');
    };
    const agent = await bot.start({ files: { bot: set('again') }, env: { THE0_INCARNATION: '3000' }, prepare: stale });
    await agent.ended;
    assert.match(agent.log(), /^here\n/);
    assert.equal(await bot.stateFile('.the0-state/a'), 'again\n');
  });
});
