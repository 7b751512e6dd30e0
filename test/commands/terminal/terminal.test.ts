import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge, formatMoment, formatMomentInZone, formatSpan, zoneAt } from '../../../src/commands/terminal/age.ts';
import { harmlessLines } from '../../../src/commands/terminal/harmless-lines.ts';
import { plainJson, plainLine, plainText } from '../../../src/commands/terminal/plain-text.ts';
import { makeStyle, styleFor } from '../../../src/commands/terminal/style.ts';
import { renderTable } from '../../../src/commands/terminal/table.ts';
import { cutText, textWidth, wrapText } from '../../../src/commands/terminal/text-width.ts';

const pipe = makeStyle(false, Number.POSITIVE_INFINITY);

test('escape sequences and control characters do not reach the terminal', () => {
  assert.equal(plainText('\u001b[31mred\u001b[0m \u001b]0;title\u0007x\r\b\u009b2J\ty\n'), 'red x\ty\n');
  assert.equal(plainText('abc\u202etxt.exe'), 'abctxt.exe');
  assert.equal(plainLine('one\ntwo\r\n  three '), 'one two three');
});

test('JSON for a terminal has its control characters escaped and is the same JSON', () => {
  const value = { text: 'a\u001b[31m\u009b\u007f\u202e' };
  const text = plainJson(value);
  assert.doesNotMatch(text, /[\u007f-\u009f\u202e]/);
  assert.deepEqual(JSON.parse(text), value);
});

test('a control sequence cut in two by a chunk is still left out', async () => {
  async function* chunks() {
    yield Buffer.from('ok \u001b[3');
    yield Buffer.from('1mred\nrest s');
    yield Buffer.from('ü').subarray(0, 1);
    yield Buffer.from('ü').subarray(1);
  }
  let text = '';
  for await (const part of harmlessLines(chunks())) text += part;
  assert.equal(text, 'ok red\nrest sü');
});

test('a line without end is shown in pieces', async () => {
  async function* chunks() {
    for (let index = 0; index < 40; index++) yield Buffer.alloc(10_000, 'x');
  }
  const sizes: number[] = [];
  for await (const part of harmlessLines(chunks())) sizes.push(part.length);
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    400_000,
  );
  assert.ok(Math.max(...sizes) <= 80_000);
});

test('colours are for terminals, unless NO_COLOR or a dumb terminal', () => {
  assert.equal(styleFor({ isTTY: true, columns: 90 }, {}).colour, true);
  assert.equal(styleFor({ isTTY: true, columns: 90 }, {}).width, 90);
  assert.equal(styleFor({ isTTY: true }, { NO_COLOR: '1' }).colour, false);
  assert.equal(styleFor({ isTTY: true }, { NO_COLOR: '' }).colour, true);
  assert.equal(styleFor({ isTTY: true }, { TERM: 'dumb' }).colour, false);
  assert.equal(styleFor({}, {}).colour, false);
  assert.equal(styleFor({}, {}).width, Number.POSITIVE_INFINITY);
  assert.equal(styleFor({}, { FORCE_COLOR: '1' }).colour, true);
});

test('a table in a pipe is not cut', () => {
  const long = 'word '.repeat(60).trim();
  const text = renderTable(pipe, ['ID', 'WHY'], [[{ text: 'a' }, { text: long }]]);
  assert.equal(text, `ID  WHY\na   ${long}\n`);
});

test('on a terminal the last column is cut, or wrapped under itself', () => {
  const rows = [[{ text: 'bot' }, { text: 'one two three four five six' }]];
  const narrow = makeStyle(false, 26);
  assert.equal(renderTable(narrow, ['ID', 'WHY'], rows), 'ID   WHY\nbot  one two three four f…\n');
  assert.equal(renderTable(narrow, ['ID', 'WHY'], rows, 'wrap'), 'ID   WHY\nbot  one two three four\n     five six\n');
});

test('colours do not count for the width of a column', () => {
  const colour = makeStyle(true, 80);
  const paint = (text: string) => colour.paint('red', text);
  const [, first, second] = renderTable(
    colour,
    ['STATE', 'ID'],
    [
      [{ text: 'blocked', paint }, { text: 'a' }],
      [{ text: 'running' }, { text: 'b' }],
    ],
  ).split('\n');
  assert.equal(textWidth(first ?? ''), textWidth(second ?? ''));
  assert.notEqual(first?.length, second?.length);
});

test('wide and combining characters have their width', () => {
  assert.equal(textWidth('日本'), 4);
  assert.equal(textWidth('e\u0301'), 1);
  assert.equal(cutText('日本語', 5), '日本…');
  assert.deepEqual(wrapText('a bb ccc', 4), ['a bb', 'ccc']);
  assert.deepEqual(wrapText('unbreakable', 4), ['unbreakable']);
});

test('spans are told in their largest units', () => {
  assert.deepEqual([0, 999, 45_000, 185_000, 7_800_000, 273_600_000, 36_000_000].map(formatSpan), [
    '0s',
    '0s',
    '45s',
    '3m',
    '2h 10m',
    '3d 4h',
    '10h',
  ]);
  assert.equal(formatAge(1000, 1500), 'now');
  assert.equal(formatAge(1000, 6000), '5s ago');
  assert.equal(formatAge(9000, 6000), 'now');
});

test('a moment of another day has its date', () => {
  const noon = new Date(2026, 2, 14, 12, 0, 5).getTime();
  assert.equal(formatMoment(noon, noon + 1000), '12:00:05');
  assert.equal(formatMoment(noon, noon + 86_400_000), '2026-03-14 12:00:05');
});

test('a time zone is told by its distance to UTC, which the time of the year may change', (t) => {
  const before = process.env['TZ'];
  t.after(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
  const [winter, summer] = [Date.UTC(2026, 0, 15, 12), Date.UTC(2026, 6, 15, 12)];
  const zones: Record<string, [string, string]> = {};
  for (const zone of ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata']) {
    process.env['TZ'] = zone;
    zones[zone] = [zoneAt(winter), zoneAt(summer)];
  }
  assert.deepEqual(zones, {
    UTC: ['UTC', 'UTC'],
    'Europe/Berlin': ['UTC+1', 'UTC+2'],
    'America/St_Johns': ['UTC-3:30', 'UTC-2:30'],
    'Asia/Kolkata': ['UTC+5:30', 'UTC+5:30'],
  });
  process.env['TZ'] = 'Europe/Berlin';
  assert.equal(formatMomentInZone(summer, summer), '14:00:00 UTC+2');
});
