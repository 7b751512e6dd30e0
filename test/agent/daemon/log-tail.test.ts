import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogTail } from '../../../src/agent/daemon/log-tail.ts';
import { until } from '../agent-process.ts';

function stage(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'the0-log-tail-'));
  t.after(() => rmSync(root, { recursive: true }));
  const logs = join(root, 'logs');
  let seen = '';
  const troubles: (string | null)[] = [];
  const tail = () =>
    new LogTail({
      path: join(logs, 'bot.log'),
      pollMs: 20,
      onBlock: (block) => {
        seen += block.toString();
      },
      onTrouble: (message) => troubles.push(message),
    });
  return { logs, log: join(logs, 'bot.log'), tail, troubles, seen: () => seen };
}

test('only what is added is told, whole lines, across a rotation', async (t) => {
  const { logs, log, tail, troubles, seen } = stage(t);
  mkdirSync(logs);
  writeFileSync(log, 'before\n');
  const tailing = tail();
  appendFileSync(log, 'one\nhal');
  await until('the first line', () => seen() === 'one\n');
  appendFileSync(log, 'f\n');
  await until('the whole line', () => seen() === 'one\nhalf\n');
  renameSync(log, `${log}.1`);
  writeFileSync(log, 'two\n');
  tailing.close();
  assert.equal(seen(), 'one\nhalf\ntwo\n');
  assert.deepEqual(troubles, []);
});

test('a log that cannot be read is said once, and followed as soon as it can be', async (t) => {
  const { logs, log, tail, troubles, seen } = stage(t);
  writeFileSync(logs, 'no directory');
  const tailing = tail();
  t.after(() => tailing.close());
  assert.equal(troubles.length, 1);
  assert.match(troubles[0] ?? '', /^the live log cannot read .*ENOTDIR/);
  rmSync(logs);
  mkdirSync(logs);
  await until('the end of the trouble', () => troubles.length === 2);
  assert.equal(troubles[1], null);
  writeFileSync(log, 'one\n');
  await until('the line', () => seen() === 'one\n');
});
