import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AgentError } from '../../src/agent/agent-error.ts';
import { copyCode } from '../../src/agent/code-copy.ts';

const LIMITS = { codeBytes: 10_000, codeFiles: 10 };
const never = () => false;

function directories(t: TestContext): { source: string; target: string } {
  const root = mkdtempSync(join(tmpdir(), 'the0-copy-'));
  t.after(() => rmSync(root, { recursive: true }));
  const found = { source: join(root, 'source'), target: join(root, 'target') };
  for (const directory of Object.values(found)) mkdirSync(directory);
  return found;
}

async function refusal(source: string, target: string): Promise<string> {
  try {
    await copyCode(source, target, LIMITS, never);
  } catch (error) {
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, 'code-unavailable');
    return error.message;
  }
  throw new Error('it was copied');
}

test('files keep their place, content and mode', async (t) => {
  const { source, target } = directories(t);
  mkdirSync(join(source, 'a/b'), { recursive: true });
  writeFileSync(join(source, 'a/b/program'), 'text', { mode: 0o755 });
  await copyCode(source, target, LIMITS, never);
  assert.equal(readFileSync(join(target, 'a/b/program'), 'utf8'), 'text');
  assert.equal(statSync(join(target, 'a/b/program')).mode & 0o777, 0o755);
});

test('a file that is there already is replaced, not written over', async (t) => {
  const { source, target } = directories(t);
  writeFileSync(join(source, 'f'), 'new');
  writeFileSync(join(target, 'f'), 'old');
  // Somebody who has the old one open, like a program that runs from it.
  linkSync(join(target, 'f'), join(target, 'held'));
  await copyCode(source, target, LIMITS, never);
  assert.equal(readFileSync(join(target, 'f'), 'utf8'), 'new');
  assert.equal(readFileSync(join(target, 'held'), 'utf8'), 'old');
});

test('a link inside the code stays a link', async (t) => {
  const { source, target } = directories(t);
  mkdirSync(join(source, 'lib'));
  writeFileSync(join(source, 'file'), '');
  symlinkSync('../file', join(source, 'lib/link'));
  await copyCode(source, target, LIMITS, never);
  assert.equal(readlinkSync(join(target, 'lib/link')), '../file');
});

for (const destination of ['/etc/passwd', '../outside', 'lib/../../outside']) {
  test(`a link to ${destination} is refused`, async (t) => {
    const { source, target } = directories(t);
    symlinkSync(destination, join(source, 'link'));
    assert.match(await refusal(source, target), /the link link leads out of the code/);
  });
}

test('a pipe among the files is refused', async (t) => {
  const { source, target } = directories(t);
  execFileSync('mkfifo', [join(source, 'pipe')]);
  assert.match(await refusal(source, target), /pipe is neither a file, a directory nor a link/);
});

test('more files than the limit are refused', async (t) => {
  const { source, target } = directories(t);
  for (let index = 0; index < 11; index++) writeFileSync(join(source, `f${index}`), '');
  assert.match(await refusal(source, target), /more than 10 files/);
});

test('more bytes than the limit are refused', async (t) => {
  const { source, target } = directories(t);
  writeFileSync(join(source, 'f'), Buffer.alloc(10_001));
  assert.match(await refusal(source, target), /larger than 10000 bytes/);
});

test('a missing source is said with its cause', async (t) => {
  const { target } = directories(t);
  assert.match(await refusal(join(target, 'gone'), target), /cannot copy the code of the bot: ENOENT/);
});

test('a stop ends the copying', async (t) => {
  const { source, target } = directories(t);
  for (let index = 0; index < 5; index++) writeFileSync(join(source, `f${index}`), '');
  await copyCode(source, target, LIMITS, () => true);
  assert.throws(() => statSync(join(target, 'f0')));
});
