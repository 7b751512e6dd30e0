import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogSource } from '../../../src/agent/logs/log-source.ts';

const MOST = 1024;

function stage(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'the0-log-source-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'logs', 'bot.log');
  mkdirSync(join(directory, 'logs'));
  let made = 0;
  const open = () => {
    made += 1;
    const source = new LogSource(path, String(made).repeat(16));
    t.after(() => source.close());
    return source;
  };
  const rotate = (text: string) => {
    renameSync(path, `${path}.1`);
    writeFileSync(path, text);
  };
  return { directory, path, open, rotate };
}

/** Takes everything there is, as one that stores it would. */
function drain(source: LogSource, { final = false, acknowledge = true } = {}): string {
  let text = '';
  for (;;) {
    const next = source.next(MOST, final);
    if (next === null) return text;
    const { fd, from, to } = next.slice;
    const buffer = Buffer.alloc(to - from);
    readSync(fd, buffer, 0, buffer.length, from);
    text += buffer.toString();
    if (!acknowledge) return text;
    source.sent(next.after);
  }
}

test('whole lines come once, in order, and a torn line when it is ended', (t) => {
  const { path, open } = stage(t);
  const source = open();
  assert.equal(drain(source), '');
  writeFileSync(path, 'one\ntwo\nthr');
  assert.equal(drain(source), 'one\ntwo\n');
  appendFileSync(path, 'ee\n');
  assert.equal(drain(source), 'three\n');
  appendFileSync(path, 'end');
  assert.equal(drain(source), '');
  assert.equal(drain(source, { final: true }), 'end');
});

test('what is not acknowledged comes again, also to the next agent', (t) => {
  const { path, open } = stage(t);
  writeFileSync(path, 'one\n');
  const first = open();
  assert.equal(drain(first), 'one\n');
  appendFileSync(path, 'two\n');
  assert.equal(drain(first, { acknowledge: false }), 'two\n');
  appendFileSync(path, 'three\n');
  const second = open();
  assert.equal(second.position.source, first.position.source);
  assert.equal(drain(second), 'two\nthree\n');
});

test('nothing is lost or repeated when the file is rotated between two looks', (t) => {
  const { path, open, rotate } = stage(t);
  writeFileSync(path, 'one\ntwo\n');
  const source = open();
  assert.equal(drain(source), 'one\ntwo\n');
  appendFileSync(path, 'three\n');
  rotate('four\n');
  assert.equal(drain(source), 'three\nfour\n');
  assert.equal(source.takeDroppedLines(), 0);
  rotate('five\n');
  const next = open();
  assert.equal(drain(next), 'five\n');
});

test('a look between the two steps of a rotation repeats nothing', (t) => {
  const { path, open } = stage(t);
  writeFileSync(path, 'one\n');
  const source = open();
  assert.equal(drain(source), 'one\n');
  renameSync(path, `${path}.1`);
  assert.equal(drain(source), '');
  writeFileSync(path, 'two\n');
  assert.equal(drain(source), 'two\n');
});

test('lines that are rotated away unsent are counted', (t) => {
  const { path, open, rotate } = stage(t);
  writeFileSync(path, 'one\n');
  const source = open();
  assert.equal(drain(source), 'one\n');
  appendFileSync(path, 'lost\nlost too\n');
  rotate('three\n');
  rotate('four\n');
  assert.equal(drain(source), 'three\nfour\n');
  assert.equal(source.takeDroppedLines(), 2);
  assert.equal(source.takeDroppedLines(), 0);
});

test('a directory that was emptied is read from its start, though its files may have the same numbers', (t) => {
  const { directory, path, open } = stage(t);
  writeFileSync(path, 'hello\n');
  const first = open();
  assert.equal(drain(first), 'hello\n');
  rmSync(join(directory, 'logs'), { recursive: true });
  mkdirSync(join(directory, 'logs'));
  writeFileSync(path, 'hello\n');
  const second = open();
  assert.notEqual(second.position.source, first.position.source);
  assert.equal(drain(second), 'hello\n');
});

test('a file that was cut off is read from its start', (t) => {
  const { path, open } = stage(t);
  writeFileSync(path, 'one\ntwo\n');
  const source = open();
  assert.equal(drain(source), 'one\ntwo\n');
  writeFileSync(path, 'new\n');
  assert.equal(drain(source), 'new\n');
});

test('an acknowledgement that was lost moves the position on, an old one does not move it back', (t) => {
  const { path, open } = stage(t);
  writeFileSync(path, 'one\ntwo\n');
  const source = open();
  const before = source.position;
  const next = source.next(4, false);
  assert.ok(next !== null);
  source.catchUp(next.after);
  source.catchUp(before);
  assert.equal(drain(source), 'two\n');
});

test('a line longer than one append goes in pieces', (t) => {
  const { path, open } = stage(t);
  const line = `${'x'.repeat(3 * MOST)}\n`;
  writeFileSync(path, line);
  assert.equal(drain(open()), line);
});
