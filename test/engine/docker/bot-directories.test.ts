import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BOT_USER, prepareDirectories } from '../../../src/engine/docker/bot-directories.ts';
import { dataPaths } from '../../../src/storage/data-directory.ts';
import { aBot } from '../../desired/a-bot.ts';

test('a container may write state and log of its bot, and nobody else on the host may look for them', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'the0-directories-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await chmod(root, 0o755);
  const { code: codeDirOf, state: stateDirOf, logs: logsDirOf, queryRuns } = dataPaths(root);
  const bot = aBot('a');
  await mkdir(codeDirOf(bot.id, bot.specRevision), { recursive: true });
  await prepareDirectories({ codeDirOf, stateDirOf, logsDirOf, queryRuns }, bot);
  for (const directory of [stateDirOf(bot.id), logsDirOf(bot.id)]) {
    const { uid, mode } = await stat(directory);
    assert.ok(uid === BOT_USER ? (mode & 0o700) === 0o700 : (mode & 0o777) === 0o777, directory);
    assert.equal((await stat(join(directory, '..'))).mode & 0o777, 0o700);
  }
});
