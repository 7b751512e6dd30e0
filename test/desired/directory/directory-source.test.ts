import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BotsFolderError } from '../../../src/desired/directory/bots-folder-error.ts';
import { botJson, sourceBench, until } from './bench.ts';

/** Folders settle so slowly that also a busy machine makes several changes meanwhile. */
const PATIENT = { settleMs: 2_000, settleAtMostMs: 60_000 };

function failsWith(code: BotsFolderError['code']) {
  return (error: unknown) => error instanceof BotsFolderError && error.code === code && error.hint !== '';
}

test('what is there at the start is delivered, then synced', async (t) => {
  const { bot, start, log, desired, data } = await sourceBench(t);
  await bot('a', 'a');
  await bot('second', 'b', { enabled: false });
  await start();
  const delivered = log();
  assert.equal(delivered.at(-1), 'synced');
  assert.deepEqual(delivered.slice(0, -1).sort(), ['changed a', 'changed b']);
  const { specRevision, ...definition } = desired().get('a') ?? {};
  assert.deepEqual(definition, {
    id: 'a',
    kind: 'realtime',
    enabled: true,
    config: { key: 'value' },
    version: '1',
    filePath: '',
    name: 'n',
    runtime: 'nodejs20',
    entrypoint: 'main.js',
    queryEntrypoint: null,
    schedule: null,
    problem: null,
  });
  assert.equal(desired().get('b')?.enabled, false);
  assert.equal(await readFile(join(data, 'code/a', specRevision ?? '', 'main.js'), 'utf8'), '// a');
});

test('the config stays out of the copy of the code', async (t) => {
  const { bot, start, desired, data } = await sourceBench(t);
  await bot('a', 'a');
  await start();
  assert.deepEqual(await readdir(join(data, 'code/a', desired().get('a')?.specRevision ?? '')), ['main.js']);
});

test('adding, editing and deleting a folder is delivered', async (t) => {
  const { bots, bot, put, start, desired } = await sourceBench(t);
  await start();
  await bot('a', 'a');
  await until(() => desired().has('a'));
  const first = desired().get('a')?.specRevision;
  await put('a/main.js', '// edited');
  await until(() => desired().get('a')?.specRevision !== first);
  const second = desired().get('a')?.specRevision;
  await put('a/bot.json', botJson('a', { config: { key: 'other' } }));
  await until(() => desired().get('a')?.specRevision !== second);
  await rm(join(bots, 'a'), { recursive: true });
  await until(() => !desired().has('a'));
});

test('a burst of edits is one change', async (t) => {
  const { bot, put, start, log, deliveries } = await sourceBench(t, PATIENT);
  await bot('a', 'a');
  await start();
  for (let n = 0; n < 20; n += 1) await put('a/main.js', `// ${n}`);
  await put('a/more.js', '');
  await bot('marker', 'marker');
  await until(() => deliveries.some(({ kind, ...rest }) => kind === 'changed' && 'id' in rest && rest.id === 'marker'));
  await until(() => log().filter((line) => line === 'changed a').length === 2);
  assert.deepEqual(log().slice(2).sort(), ['changed a', 'changed marker']);
});

test('a folder that is deleted and made again the same does not disturb its bot', async (t) => {
  const { bots, bot, start, log } = await sourceBench(t, PATIENT);
  await bot('a', 'a');
  await start();
  await cp(join(bots, 'a'), join(bots, '.saved'), { recursive: true });
  await rm(join(bots, 'a'), { recursive: true });
  await rename(join(bots, '.saved'), join(bots, 'a'));
  await bot('marker', 'marker');
  await until(() => log().includes('changed marker'));
  assert.deepEqual(log(), ['changed a', 'synced', 'changed marker']);
});

test('a bot that comes back the same has the same revision', async (t) => {
  const { bots, bot, start, desired } = await sourceBench(t);
  await bot('a', 'a');
  await start();
  const revision = desired().get('a')?.specRevision;
  await rm(join(bots, 'a'), { recursive: true });
  await until(() => !desired().has('a'));
  await bot('a', 'a');
  await until(() => desired().has('a'));
  assert.equal(desired().get('a')?.specRevision, revision);
});

test('hidden files, caches and logs change nothing; vendored packages do', async (t) => {
  const { bot, put, start, desired, log } = await sourceBench(t);
  await bot('a', 'a');
  await put('a/node_modules/p/index.js', '1');
  await start();
  const revision = desired().get('a')?.specRevision;
  for (const path of ['.env', '.git/index', '__pycache__/main.pyc', 'bot.log', 'main.js~', '.main.js.swp']) {
    await put(`a/${path}`, 'x');
  }
  await bot('marker', 'marker');
  await until(() => log().includes('changed marker'));
  assert.equal(desired().get('a')?.specRevision, revision);
  await put('a/node_modules/p/index.js', '2');
  await put('a/package-lock.json', '{}');
  await until(() => desired().get('a')?.specRevision !== revision);
});

test('a folder without bot.json is no bot until it has one', async (t) => {
  const { put, start, log } = await sourceBench(t);
  await put('a/main.js', '');
  await put('README.md', 'about these bots');
  await start();
  assert.deepEqual(log(), ['synced']);
  await put('a/bot.json', botJson('a'));
  await until(() => log().includes('changed a'));
});

test('a bot that cannot be used is delivered with its problem, and the others as ever', async (t) => {
  const { bot, put, start, desired } = await sourceBench(t);
  await bot('good', 'good');
  await put('torn/bot.json', '{\n  "id": "torn",\n  secret\n}');
  await put('typo/bot.json', botJson('typo', { custom: { version: 3 } }));
  await put('odd name!/bot.json', '{}');
  await put('future/bot.json', botJson('future', { format: 2 }));
  await start();
  assert.deepEqual([...desired().keys()].sort(), ['future', 'good', 'odd-name-', 'torn', 'typo']);
  assert.deepEqual(desired().get('torn')?.problem, {
    code: 'spec-unreadable',
    facts: { path: 'torn/bot.json', line: 3, column: 3, detail: 'not JSON at line 3, column 3' },
  });
  assert.deepEqual(desired().get('typo')?.problem, {
    code: 'spec-invalid',
    facts: { path: 'typo/bot.json', field: 'custom.version', expected: 'a text', found: 'a number' },
  });
  assert.equal(desired().get('odd-name-')?.problem?.code, 'spec-invalid');
  assert.equal(desired().get('future')?.problem?.code, 'spec-newer-format');
  assert.equal(desired().get('good')?.problem, null);
});

test('a slip in bot.json is a problem of the bot it was, also in a folder of another name', async (t) => {
  const { bot, put, start, desired, log } = await sourceBench(t);
  await bot('folder', 'a');
  await start();
  await put('folder/bot.json', '{');
  await until(() => desired().get('a')?.problem?.code === 'spec-unreadable');
  await put('folder/bot.json', botJson('a'));
  await until(() => desired().get('a')?.problem === null);
  assert.equal(log().includes('removed a'), false);
});

test('of two folders with one id the named one has it, and the other is told', async (t) => {
  const { bots, bot, start, desired } = await sourceBench(t);
  await bot('a', 'a');
  await bot('Copy', 'a');
  await start();
  assert.equal(desired().get('a')?.problem, null);
  assert.deepEqual(desired().get('Copy')?.problem, {
    code: 'spec-duplicate',
    facts: { path: 'Copy/bot.json', id: 'a', other: 'a/bot.json' },
  });
  await rm(join(bots, 'a'), { recursive: true });
  await until(() => !desired().has('Copy'));
  await until(() => desired().get('a')?.problem === null);
});

test('a copied folder does not take the bot away, whatever its name', async (t) => {
  const { bots, bot, start, desired, log } = await sourceBench(t);
  await bot('zebra', 'a');
  await start();
  await cp(join(bots, 'zebra'), join(bots, 'a'), { recursive: true });
  await until(() => desired().size === 2);
  assert.equal(desired().get('a')?.problem, null);
  assert.equal(log().filter((line) => line === 'changed a').length, 1);
  const other = [...desired().keys()].find((id) => id !== 'a') ?? '';
  assert.equal(desired().get(other)?.problem?.code, 'spec-duplicate');
});

test('a bot whose folder is renamed goes on undisturbed', async (t) => {
  const { bots, bot, start, log } = await sourceBench(t);
  await bot('old', 'a');
  await start();
  await rename(join(bots, 'old'), join(bots, 'new'));
  await bot('marker', 'marker');
  await until(() => log().includes('changed marker'));
  assert.equal(log().includes('removed a'), false);
});

test('a link out of the folder is not followed but named', async (t) => {
  const { bots, bot, start, desired } = await sourceBench(t);
  await bot('a', 'a');
  await symlink('/etc/hostname', join(bots, 'a', 'stolen'));
  await bot('b', 'b');
  await symlink('main.js', join(bots, 'b', 'alias.js'));
  await start();
  assert.equal(desired().get('a')?.problem?.code, 'code-unreadable');
  assert.equal(desired().get('a')?.problem?.facts['path'], 'a/stolen');
  assert.equal(desired().get('b')?.problem, null);
});

test('a link in the bots folder is no bot, and that is said', async (t) => {
  const { bots, data, bot, start, source, desired } = await sourceBench(t, { resyncMs: 60 });
  await bot('a', 'a');
  await mkdir(join(data, 'elsewhere'), { recursive: true });
  await writeFile(join(data, 'elsewhere', 'bot.json'), botJson('b'));
  await symlink(join(data, 'elsewhere'), join(bots, 'link'));
  await start();
  assert.deepEqual([...desired().keys()], ['a']);
  assert.deepEqual(
    [...(source.ignored ?? [])].map(([name]) => name),
    ['link'],
  );
  assert.match(
    source.ignored?.get('link') ?? '',
    /link in the bots folder .* is a symbolic link.*: put the folder itself/,
  );
  await rm(join(bots, 'link'));
  await until(() => source.ignored?.size === 0);
});

test('a folder without bot.json is no bot, and that is said until it has one or goes', async (t) => {
  const { bots, bot, put, start, source, desired, troubles } = await sourceBench(t);
  await bot('a', 'a');
  await put('b/main.js', '');
  await put('.notes/text', '');
  await start();
  assert.deepEqual(
    [...(source.ignored ?? [])].map(([name]) => name),
    ['b'],
  );
  assert.match(
    source.ignored?.get('b') ?? '',
    /the folder b in .* has no bot\.json, so no bot runs from it: write one/,
  );
  await put('c/main.js', '');
  await until(() => source.ignored?.has('c') === true);
  await bot('b', 'b');
  await until(() => desired().has('b'));
  await rm(join(bots, 'c'), { recursive: true });
  await until(() => source.ignored?.size === 0);
  assert.deepEqual(troubles, []);
});

test('a bots folder that is a bot itself is said to be none', async (t) => {
  const { put, start, source } = await sourceBench(t);
  await put('bot.json', botJson('a'));
  await put('main.js', '');
  await start();
  assert.match(
    [...(source.ignored?.values() ?? [])].join(),
    /has a bot\.json itself.*name the folder above it with --bots/,
  );
});

test('too many or too large files are refused with the limit', async (t) => {
  const { bot, put, start, desired } = await sourceBench(t, { codeLimits: { files: 2, bytes: 3 * 1024 ** 2 } });
  await bot('many', 'many');
  await put('many/1', '');
  await put('many/2', '');
  await bot('large', 'large');
  await put('large/1', 'x'.repeat(4 * 1024 ** 2));
  await start();
  assert.match(String(desired().get('many')?.problem?.facts['detail']), /more than 2 files/);
  assert.match(String(desired().get('large')?.problem?.facts['detail']), /more than 3 MiB/);
});

test('a copy that fails is a problem of that bot, and tried again by itself', async (t) => {
  let full = true;
  const { bot, start, desired, store } = await sourceBench(t, {
    codeCopies: {
      copyCode: async (...copy) => {
        if (full && copy[0] === 'a') throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        return await store.copyCode(...copy);
      },
      hasCopy: (...copy) => store.hasCopy(...copy),
      prune: async () => undefined,
      keepOnly: async () => undefined,
    },
  });
  await bot('a', 'a');
  await bot('b', 'b');
  await start();
  assert.deepEqual(desired().get('a')?.problem, {
    code: 'code-unreadable',
    facts: { path: 'a', detail: 'the disk of the data directory is full', fault: 'disk-full' },
  });
  assert.equal(desired().get('b')?.problem, null);
  full = false;
  await until(() => desired().get('a')?.problem === null);
});

test('code that changes while it is copied is looked at again, and only a whole copy is delivered', async (t) => {
  let torn = 2;
  const { bot, start, desired, log, store } = await sourceBench(t, {
    codeCopies: {
      copyCode: async (...copy) => {
        if (torn-- > 0) throw Object.assign(new Error('changed'), { code: 'code-changed' });
        return await store.copyCode(...copy);
      },
      hasCopy: (...copy) => store.hasCopy(...copy),
      prune: async () => undefined,
      keepOnly: async () => undefined,
    },
  });
  await bot('a', 'a');
  await start();
  await until(() => desired().has('a'));
  assert.deepEqual(log(), ['synced', 'changed a']);
});

test('a bots folder that is missing at the start is an error that names it', async (t) => {
  const { bots, start } = await sourceBench(t);
  await rm(bots, { recursive: true });
  await assert.rejects(start(), failsWith('bots-folder-missing'));
  await writeFile(bots, '');
  await assert.rejects(start(), failsWith('bots-folder-not-a-directory'));
});

test('when the bots folder itself goes, bots are kept and the trouble is told; when it is back, changes count again', async (t) => {
  const { bots, bot, start, log, troubles, desired } = await sourceBench(t);
  await bot('a', 'a');
  await bot('b', 'b');
  await start();
  await rename(bots, `${bots}-away`);
  await until(() => troubles.some(failsWith('bots-folder-missing')));
  await rename(`${bots}-away`, bots);
  await rm(join(bots, 'b'), { recursive: true });
  await until(() => !desired().has('b'));
  await bot('c', 'c');
  await until(() => desired().has('c'));
  assert.equal(log().includes('removed a'), false);
  assert.deepEqual(troubles, []);
});

test('an empty folder in the place of the bots folder stops nothing', async (t) => {
  const { bots, bot, start, log, troubles, desired } = await sourceBench(t);
  await bot('a', 'a');
  await start();
  await rename(bots, `${bots}-away`);
  await mkdir(bots);
  await until(() => troubles.some(failsWith('bots-folder-replaced')));
  assert.equal(log().includes('removed a'), false);
  await bot('b', 'b');
  await until(() => desired().has('b') && !desired().has('a'));
});

test('deleting all bots one by one removes them all', async (t) => {
  const { bots, bot, start, desired } = await sourceBench(t);
  await bot('a', 'a');
  await bot('b', 'b');
  await start();
  for (const folder of ['a', 'b']) await rm(join(bots, folder), { recursive: true });
  await until(() => desired().size === 0);
});

test('what the watch missed is found by the full comparison', async (t) => {
  const { bot, put, start, desired } = await sourceBench(t, { resyncMs: 60 });
  await bot('a', 'a');
  await put('a/node_modules/p/lib/deep.js', '1');
  await start();
  const revision = desired().get('a')?.specRevision;
  await put('a/node_modules/p/lib/deep.js', '2');
  await until(() => desired().get('a')?.specRevision !== revision);
});

test('copies of bots that are gone, and older ones than the spare, are removed', async (t) => {
  const { bot, put, start, desired, data } = await sourceBench(t, { spareRevisions: 1 });
  await bot('a', 'a');
  await mkdir(join(data, 'code/gone/r1'), { recursive: true });
  await start();
  assert.deepEqual(await readdir(join(data, 'code')), ['a']);
  for (let n = 0; n < 4; n += 1) {
    const revision = desired().get('a')?.specRevision;
    await put('a/main.js', `// ${n} ${'x'.repeat(n)}`);
    await until(() => desired().get('a')?.specRevision !== revision);
  }
  const current = desired().get('a')?.specRevision ?? '';
  assert.ok(existsSync(join(data, 'code/a', current)));
  await until(() => readdirSync(join(data, 'code/a')).length === 2);
});

test('nothing is delivered after close', async (t) => {
  const { bot, start, source, deliveries } = await sourceBench(t);
  await bot('a', 'a');
  await start();
  await bot('b', 'b');
  await source.close();
  const before = deliveries.length;
  await bot('c', 'c');
  // Nothing can be waited for here: both would have settled meanwhile.
  await sleep(300);
  assert.equal(deliveries.length, before);
});
