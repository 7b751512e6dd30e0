import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { StateWatch } from '../../../src/agent/sync/state-watch.ts';
import { until } from '../agent-process.ts';

const onLinux = { skip: process.platform === 'linux' ? false : 'inotify is of Linux' };

function scene(t: TestContext, mostDirectories = 100) {
  const root = mkdtempSync(join(tmpdir(), 'the0-watch-'));
  const changed: string[] = [];
  const watch = new StateWatch(root, mostDirectories, (directory) => changed.push(directory));
  t.after(() => {
    watch.close();
    rmSync(root, { recursive: true, force: true });
  });
  const write = (name: string, text = 'x') => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  /** Waits until every one of these was told since the last call. */
  const told = async (...directories: string[]) => {
    await until(
      `${directories.join(', ')} to be told`,
      () => directories.every((name) => changed.includes(name)),
      () => changed.join(', '),
    );
    changed.length = 0;
  };
  return { root, watch, write, told, changed };
}

test('a change at any depth is told with its directory', onLinux, async (t) => {
  const { root, watch, write, told } = scene(t);
  write('a/b/c/file');
  watch.start();
  assert.equal(watch.isComplete, true);
  appendFileSync(join(root, 'a/b/c/file'), 'more');
  await told('a/b/c');
  write('top');
  await told('');
  unlinkSync(join(root, 'a/b/c/file'));
  await told('a/b/c');
});

test('what is made in new directories is told, however fast it came', onLinux, async (t) => {
  const { root, watch, write, told } = scene(t);
  watch.start();
  write('new/below/file');
  await told('', 'new', 'new/below');
  appendFileSync(join(root, 'new/below/file'), 'more');
  await told('new/below');
});

test('a directory that was moved, or replaced by another, is watched by its new name', onLinux, async (t) => {
  const { root, watch, write, told, changed } = scene(t);
  write('old/in/file');
  watch.start();
  renameSync(join(root, 'old'), join(root, 'new'));
  await told('', 'new', 'new/in');
  appendFileSync(join(root, 'new/in/file'), 'more');
  await told('new/in');
  assert.equal(changed.includes('old/in'), false);

  rmSync(join(root, 'new'), { recursive: true });
  write('new/in/file');
  await told('', 'new');
  appendFileSync(join(root, 'new/in/file'), 'more');
  await told('new/in');
  assert.equal(watch.isComplete, true);
});

test('links are not followed', onLinux, async (t) => {
  const { root, watch, write, told, changed } = scene(t);
  const outside = mkdtempSync(join(tmpdir(), 'the0-outside-'));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  symlinkSync(outside, join(root, 'link'));
  watch.start();
  writeFileSync(join(outside, 'file'), 'x');
  write('marker');
  await told('');
  assert.deepEqual(changed, []);
});

test('more directories than watches are no error, but the watch is not complete until they fit', onLinux, async (t) => {
  const { root, watch, write, told } = scene(t, 3);
  for (const name of ['a/f', 'b/f', 'c/f', 'd/f']) write(name);
  watch.start();
  assert.equal(watch.isComplete, false);
  write('top');
  await told('');
  for (const name of ['b', 'c', 'd']) rmSync(join(root, name), { recursive: true });
  await told('');
  watch.start();
  assert.equal(watch.isComplete, true);
});

test('a root that is not there is no error either', onLinux, (t) => {
  const { root, watch } = scene(t);
  rmSync(root, { recursive: true });
  watch.start();
  assert.equal(watch.isComplete, false);
  mkdirSync(root);
  watch.start();
  assert.equal(watch.isComplete, true);
});
