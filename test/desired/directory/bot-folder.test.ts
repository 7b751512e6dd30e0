import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { unknownBot } from '../../../src/desired/described-bot.ts';
import { BotFolder } from '../../../src/desired/directory/bot-folder.ts';
import { createCodeStore } from '../../../src/storage/filesystem/code-store.ts';

async function place(t: TestContext): Promise<{ path: string; data: string; folder: BotFolder }> {
  const root = await mkdtemp(join(tmpdir(), 'bot-folder-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'a'));
  const options = {
    codeCopies: createCodeStore(join(root, 'data')),
    codeLimits: { files: 100, bytes: 1_000_000 },
    botJsonBytes: 1_000,
  };
  return { path: join(root, 'a'), data: join(root, 'data'), folder: new BotFolder(root, 'a', options) };
}

const NO_FILE = {
  bot: null,
  id: null,
  problem: { code: 'spec-unreadable', facts: { path: 'a/bot.json', detail: 'not a file' } },
};

test('a pipe in the place of bot.json is not waited for', { timeout: 10_000 }, async (t) => {
  const { path, folder } = await place(t);
  execFileSync('mkfifo', [join(path, 'bot.json')]);
  assert.deepEqual(await folder.readBotJson(), NO_FILE);
});

test('a device in the place of bot.json is not read', { timeout: 10_000 }, async (t) => {
  const { path, folder } = await place(t);
  await symlink('/dev/zero', join(path, 'bot.json'));
  assert.deepEqual(await folder.readBotJson(), NO_FILE);
});

test('a copy of code that somebody removed is made again, though the folder is as it was', async (t) => {
  const { path, data, folder } = await place(t);
  const main = join(path, 'main.js');
  await writeFile(main, '');
  const bot = { ...unknownBot('a'), entrypoint: 'main.js' };
  // Code that has just changed is read again anyway.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const { specRevision } = await folder.define(bot);
  await rm(join(data, 'code'), { recursive: true });
  assert.equal((await folder.define(bot)).specRevision, specRevision);
  assert.ok(existsSync(join(data, 'code', 'a', specRevision, 'main.js')));
});

test('without the entry point in the folder, a file path says that the code is in the store', async (t) => {
  const { path, folder } = await place(t);
  const bot = { ...unknownBot('a'), entrypoint: 'main.js', filePath: 'local/grid/1.0.0' };
  const stored = await folder.define(bot);
  assert.deepEqual(stored.problem, {
    code: 'code-unreadable',
    facts: {
      path: 'a/bot.json',
      detail: 'custom.filePath names an archive in an object store, and none is configured (MINIO_ENDPOINT)',
    },
  });
  const withStore = new BotFolder(join(path, '..'), 'a', {
    codeCopies: createCodeStore(join(path, '../data')),
    codeLimits: { files: 100, bytes: 1_000_000 },
    botJsonBytes: 1_000,
    hasCodeStore: true,
  });
  const found = await withStore.define(bot);
  assert.equal(found.problem, null);
  assert.equal(found.filePath, 'local/grid/1.0.0');
  const next = await withStore.define({ ...bot, filePath: 'local/grid/1.1.0' });
  assert.notEqual(next.specRevision, found.specRevision);
});

test('files in the folder go before a file path, and nobody is sent to the store for them', async (t) => {
  const { path, folder } = await place(t);
  await writeFile(join(path, 'main.js'), '');
  const { filePath, problem } = await folder.define({
    ...unknownBot('a'),
    entrypoint: 'main.js',
    filePath: 'local/grid/1.0.0',
  });
  assert.deepEqual([filePath, problem], ['', null]);
});
