import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bodyOf } from '../../../src/storage/object-store.ts';
import { freePort } from '../../services/free-port.ts';
import { needsMinio } from '../../services/minio.ts';
import { handMade } from '../../storage/code-archive/archives.ts';
import { AgentProcess, until } from '../agent-process.ts';
import { messagesOf, type StoredBot, storedBot } from './stored-bot.ts';

/** A daemon on directories of its own, which `prepare` may fill. */
async function daemon(bot: StoredBot, options: { prepare?: (root: string) => void; flags?: readonly string[] } = {}) {
  let root = '';
  const agent = await bot.start({
    args: (made) => {
      root = made;
      const paths = ['--state-path', join(root, 'state'), '--logs-path', join(root, 'logs')];
      return ['daemon', 'sync', '--bot-id', 'bot-1', ...paths, ...(options.flags ?? [])];
    },
    ...(options.prepare === undefined ? {} : { prepare: options.prepare }),
  });
  return { agent, root };
}

function write(root: string, name: string, text: string): void {
  mkdirSync(join(root, 'state', '.the0-state'), { recursive: true });
  writeFileSync(join(root, 'state', '.the0-state', name), text);
}

describe('the daemon', needsMinio(), () => {
  test('sync stores what is there and what comes, and ends on a signal with all of it', async (t) => {
    const bot = await storedBot(t);
    const { agent, root } = await daemon(bot, { prepare: (made) => write(made, 'a', 'one') });
    await bot.stored('.the0-state/a', 'one');
    write(root, 'a', 'two');
    await bot.stored('.the0-state/a', 'two');
    appendFileSync(join(root, 'logs', 'bot.log'), 'said\n');
    agent.child.kill('SIGTERM');
    assert.equal((await agent.ended).code, 0);
    assert.deepEqual(messagesOf(await bot.logLines()), ['said']);
  });

  test('sync ends by itself when the done file is there', async (t) => {
    const bot = await storedBot(t);
    const agent = await bot.start({
      args: (made) => [
        ...['daemon', 'sync', '--bot-id', 'bot-1', '--watch-done', join(made, 'done')],
        ...['--state-path', join(made, 'state'), '--logs-path', join(made, 'logs')],
      ],
      prepare: (made) => write(made, 'a', 'last'),
    });
    writeFileSync(join(agent.root, 'done'), '0');
    assert.equal((await agent.ended).code, 0);
    assert.equal(await bot.stateFile('.the0-state/a'), 'last');
  });

  test('sync takes neither an empty directory nor half a state for the state', async (t) => {
    const bot = await storedBot(t);
    const first = await daemon(bot, { prepare: (root) => write(root, 'a', 'kept') });
    await bot.stored('.the0-state/a', 'kept');
    first.agent.child.kill('SIGTERM');
    await first.agent.ended;
    const before = await bot.store.head(bot.place);

    const port = await freePort();
    const { agent, root } = await daemon(bot, { flags: ['--readiness-port', String(port), '--interval', '100ms'] });
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null))?.status;
    let ready = false;
    await until('the daemon to be ready', () => {
      void status('/readyz').then((code) => {
        ready = code === 200;
      });
      return ready;
    });
    assert.equal(await status('/healthz'), 200);
    writeFileSync(join(root, 'state', '.the0-restoring'), '');
    write(root, 'b', 'half');
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal((await bot.store.head(bot.place))?.etag, before?.etag);
    agent.child.kill('SIGTERM');
    assert.equal((await agent.ended).code, 0);
    assert.equal((await bot.store.head(bot.place))?.etag, before?.etag);
  });

  test('sync beside a bot that stores nothing itself keeps its state and log', async (t) => {
    const bot = await storedBot(t);
    const run = await bot.start({
      args: ['execute', '--skip-sync'],
      files: {
        bot: '#!/bin/sh\nmkdir -p "$STATE_DIR"; echo 1 > "$STATE_DIR/a"; echo up; trap "exit 0" TERM; while :; do sleep 0.05; done\n',
      },
    });
    const flags = ['--state-path', join(run.root, 'state'), '--logs-path', join(run.root, 'logs')];
    const side = await bot.start({ args: ['daemon', 'sync', '--bot-id', 'bot-1', ...flags] });
    await bot.stored('.the0-state/a', '1\n');
    run.child.kill('SIGTERM');
    await run.ended;
    side.child.kill('SIGTERM');
    await side.ended;
    assert.equal(messagesOf(await bot.logLines())[0], 'up');
  });

  test('init brings code and state, and says what is wrong', async (t) => {
    const bot = await storedBot(t);
    const archive = handMade([{ name: 'main.js', content: 'x', mode: 0o100644 }]);
    const code = { bucket: bot.buckets.code, key: 'u/bot/1' };
    await bot.store.write(code, bodyOf(archive), { condition: null, contentType: 'application/zip' });
    const init = (key: string) =>
      bot.start({
        args: (root) => [
          ...['daemon', 'init', '--bot-id', 'bot-1', '--code-file', key],
          ...['--code-path', join(root, 'code'), '--state-path', join(root, 'state')],
        ],
      });
    const good = await init(code.key);
    assert.equal((await good.ended).code, 0, good.stderr);
    assert.equal(readFileSync(join(good.root, 'code', 'main.js'), 'utf8'), 'x');
    const missing = await init('u/bot/2');
    assert.equal((await missing.ended).code, 1);
    assert.match(missing.stderr, /there is no u\/bot\/2 in the bucket code-/);
  });

  test('without a store it says which variable is missing', async (t) => {
    for (const command of ['init', 'sync']) {
      const agent = await AgentProcess.start(t, { files: {}, args: ['daemon', command, '--bot-id', 'bot-1'] });
      assert.equal((await agent.ended).code, 1);
      assert.match(agent.stderr, /MINIO_ENDPOINT is missing/);
    }
  });
});
