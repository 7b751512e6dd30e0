import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AgentError } from '../../src/agent/agent-error.ts';
import { copyState } from '../../src/agent/state-copy.ts';

function directories(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'the0-state-copy-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [source, target] = [join(root, 'source'), join(root, 'target')];
  return { source, target };
}

test('files, folders and links are copied; what is done to the copy stays there', async (t) => {
  const { source, target } = directories(t);
  mkdirSync(join(source, '.the0-state'), { recursive: true });
  writeFileSync(join(source, '.the0-state', 'a.json'), '1');
  symlinkSync('.the0-state/a.json', join(source, 'link'));
  execFileSync('mkfifo', [join(source, 'pipe')]);
  mkdirSync(target);
  await copyState(source, target, 1_000);
  writeFileSync(join(target, '.the0-state', 'a.json'), '2');
  assert.equal(readFileSync(join(source, '.the0-state', 'a.json'), 'utf8'), '1');
  assert.equal(readlinkSync(join(target, 'link')), '.the0-state/a.json');
  assert.equal(lstatSync(join(target, 'pipe'), { throwIfNoEntry: false }), undefined);
});

test('a bot that has kept nothing yet has an empty state', async (t) => {
  const { source, target } = directories(t);
  await copyState(source, target, 1_000);
  assert.equal(lstatSync(target, { throwIfNoEntry: false }), undefined);
});

test('a state above the limit is not copied to its end', async (t) => {
  const { source, target } = directories(t);
  mkdirSync(source);
  writeFileSync(join(source, 'large'), 'x'.repeat(2_000));
  await assert.rejects(copyState(source, target, 1_000), (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, 'state-unreadable');
    return /larger than 1000 bytes/.test(error.message);
  });
});
