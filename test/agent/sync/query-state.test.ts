import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { bodyOf } from '../../../src/storage/object-store.ts';
import { needsMinio } from '../../services/minio.ts';
import { handMade } from '../../storage/code-archive/archives.ts';
import { type StoredBot, storedBot } from './stored-bot.ts';

const sh = (text: string) => `#!/bin/sh\n${text}\n`;
/** The directory of results is fixed (contract 8.6) and needs root where it is not there. */
const asRoot = process.getuid?.() === 0 ? needsMinio() : { skip: 'needs root, to make /query' };

async function withState(bot: StoredBot): Promise<string | undefined> {
  await (await bot.start({ files: { bot: sh('mkdir -p "$STATE_DIR"; echo 42 > "$STATE_DIR/a"') } })).ended;
  return (await bot.store.head(bot.place))?.etag;
}

describe('a query server in a container of its own', needsMinio(), () => {
  test('fetches the code itself when nobody brings it', async (t) => {
    const bot = await storedBot(t);
    const zip = handMade([{ name: 'query', content: sh('echo "word $(cat "$STATE_DIR/a")"; exit 6'), mode: 0o100644 }]);
    await bot.store.write({ bucket: bot.buckets.code, key: 'local/bot/1' }, bodyOf(zip), {
      condition: null,
      contentType: 'application/zip',
    });
    await withState(bot);
    const agent = await bot.start({
      args: ['execute', '--query-server-only'],
      env: { QUERY_ENTRYPOINT: 'query', CODE_FILE: 'local/bot/1' },
      limits: { codeWaitMs: 10 },
    });
    assert.equal((await agent.ended).code, 6, agent.stderr);
    assert.equal(agent.stdout, 'word 42\n');
  });
});

describe('a query in a container of its own', asRoot, () => {
  test('sees a copy of the state, and its result is stored whatever its exit code', async (t) => {
    const bot = await storedBot(t);
    const before = await withState(bot);
    t.after(() => rmSync('/query/result.json', { force: true }));
    const agent = await bot.start({
      args: ['execute', '--query', '/status'],
      files: { bot: sh('cat "$STATE_DIR/a" > /query/result.json; echo 43 > "$STATE_DIR/a"; exit 5') },
      // A query has no incarnation; whose state it is does not matter to it.
      env: { QUERY_RESULT_KEY: 'bot-1/7/result.json', THE0_INCARNATION: '1' },
    });
    assert.equal((await agent.ended).code, 5, agent.stderr);
    const result = await bot.store.read({ bucket: bot.buckets.queryResults, key: 'bot-1/7/result.json' });
    const chunks: Buffer[] = [];
    if (result !== null) for await (const chunk of result.body) chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString(), '42\n');
    assert.equal((await bot.store.head(bot.place))?.etag, before);
  });

  test('that leaves a pipe for a result ends with 1, too', async (t) => {
    const bot = await storedBot(t);
    t.after(() => rmSync('/query/result.json', { force: true }));
    const agent = await bot.start({
      args: ['execute', '--query', '/status'],
      files: { bot: sh('rm -f /query/result.json; mkfifo /query/result.json') },
      env: { QUERY_RESULT_KEY: 'bot-1/9/result.json' },
    });
    assert.equal((await agent.ended).code, 1);
    assert.match(agent.stderr, /the result of the query cannot be stored: .* is no file/);
  });

  test('that leaves no result ends with 1 and says so', async (t) => {
    const bot = await storedBot(t);
    rmSync('/query/result.json', { force: true });
    const agent = await bot.start({
      args: ['execute', '--query', '/status'],
      files: { bot: sh('exit 0') },
      env: { QUERY_RESULT_KEY: 'bot-1/8/result.json' },
    });
    const end = await agent.ended;
    assert.equal(end.code, 1);
    assert.match(agent.stderr, /the result of the query cannot be stored: ENOENT/);
  });
});
