import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextAfter, nextOccurrence, parseCron } from '../../actors/cron.ts';

/** Contract, appendix C: what follows 2026-03-14T15:09:26.535Z, a Saturday; measured with robfig/cron v3.0.1. */
const BASE = Date.parse('2026-03-14T15:09:26.535Z') / 1000;

const NEXT: readonly [expression: string, next: string][] = [
  ['* * * * *', '2026-03-14T15:10:00'],
  ['*/15 * * * *', '2026-03-14T15:15:00'],
  ['5/20 * * * *', '2026-03-14T15:25:00'],
  ['0 9 * * 1-5', '2026-03-16T09:00:00'],
  ['0 9 * * MON', '2026-03-16T09:00:00'],
  ['0 0 13 * 5', '2026-03-20T00:00:00'],
  ['0 0 */2 * 1', '2026-03-15T00:00:00'],
  ['0 0 1,15 * 3', '2026-03-15T00:00:00'],
  ['0 0 ? * 1', '2026-03-16T00:00:00'],
  ['0 12 * jan,JUL sun', '2026-07-05T12:00:00'],
  ['30 * * * * *', '2026-03-14T15:09:30'],
  ['*/10 * * * * *', '2026-03-14T15:09:30'],
  ['0 0 29 2 *', '2028-02-29T00:00:00'],
  ['@every 90s', '2026-03-14T15:10:56'],
  ['@every 500ms', '2026-03-14T15:09:27'],
  ['@hourly', '2026-03-14T16:00:00'],
  ['@daily', '2026-03-15T00:00:00'],
  ['@midnight', '2026-03-15T00:00:00'],
  ['@weekly', '2026-03-15T00:00:00'],
  ['@monthly', '2026-04-01T00:00:00'],
  ['@yearly', '2027-01-01T00:00:00'],
  ['@annually', '2027-01-01T00:00:00'],
  ['TZ=America/New_York 0 9 * * *', '2026-03-15T13:00:00'],
  ['CRON_TZ=Asia/Tokyo 0 9 * * *', '2026-03-15T00:00:00'],
];

test('the next time is the one that the library of the contract gives', () => {
  for (const [expression, next] of NEXT) {
    const got = nextOf(expression, BASE, 'UTC');
    assert.equal(typeof got === 'number' ? new Date(got * 1000).toISOString() : got, `${next}.000Z`, expression);
  }
});

test('an impossible date has no next time', () => {
  assert.equal(nextOf('0 0 30 2 *', BASE, 'UTC'), null);
});

const REFUSED = [
  ...['0 0 * * 7', '60 * * * *', '* * * *', '', '@reboot', '0 0 L * *', '0 0 * * 1#2', '10-5 * * * *', '*/0 * * * *'],
  ...['* * * * * * *', 'TZ=UTC', 'TZ=', '@', '@every 5', 'TZ=+01:00 0 9 * * *'],
];

test('what the library refuses, or breaks over, is a problem with a clause about it', () => {
  for (const expression of REFUSED) {
    const parsed = parseCron(expression);
    assert.equal(parsed.kind, 'problem', expression);
    assert.ok(parsed.kind === 'problem' && /^[a-z"]/.test(parsed.detail), expression);
  }
});

/** Made with robfig/cron v3.0.1: mostly around changes of the clocks. Null: never. */
const MEASURED: readonly [after: number, zone: string, expression: string, next: number | null | 'problem'][] = [
  [1_772_949_000, 'UTC', 'TZ=America/New_York 30 2 * * *', 1_773_037_800],
  [1_772_949_000, 'UTC', 'TZ=America/New_York 30 2 8 * *', 1_775_629_800],
  [1_772_949_000, 'UTC', 'TZ=America/New_York 0 * * * *', 1_772_949_600],
  [1_772_953_200, 'UTC', 'TZ=America/New_York */30 1-3 * * *', 1_772_955_000],
  [1_793_508_000, 'UTC', 'TZ=America/New_York 30 1 * * *', 1_793_511_000],
  [1_793_511_001, 'UTC', 'TZ=America/New_York 30 1 * * *', 1_793_514_600],
  [1_793_514_601, 'UTC', 'TZ=America/New_York 30 1 * * *', 1_793_601_000],
  [1_793_511_001, 'UTC', 'TZ=America/New_York 30 * * * *', 1_793_514_600],
  [1_774_742_400, 'Europe/London', '30 1 * * *', 1_774_830_600],
  [1_792_886_400, 'Europe/London', '30 1 * * *', 1_792_888_200],
  [1_509_840_000, 'America/Sao_Paulo', '0 0 * * *', 1_509_847_200],
  [1_541_300_000, 'America/Sao_Paulo', '0 0 * * *', 1_541_383_200],
  [1_541_300_000, 'America/Sao_Paulo', '30 0 4 11 *', 1_572_838_200],
  [1_775_300_000, 'Australia/Lord_Howe', '15 2 * * *', 1_775_403_900],
  [1_773_500_966, 'Asia/Tokyo', 'TZ=Local 0 9 * * *', 1_773_532_800],
  [1_773_500_966, 'Asia/Tokyo', 'TZ= 0 9 * * *', 1_773_565_200],
  [1_773_500_966, 'UTC', '+5 * * * *', 1_773_504_300],
  [1_773_500_966, 'UTC', '*-5 * * * *', 1_773_501_000],
  [1_773_500_966, 'UTC', '@every 1h30m10.9s', 1_773_506_376],
  [1_773_500_966, 'UTC', '@every -5s', 1_773_500_967],
  [1_773_500_966, 'UTC', '@every 0', 1_773_500_967],
  [1_773_500_966, 'UTC', ',5,, 9 * * *', 1_773_565_500],
  [1_773_500_966, 'UTC', ', 9 * * *', null],
  [1_773_500_966, 'UTC', '0 0 31 4,6 *', null],
  [1_773_500_966, 'UTC', '50-59/4 59 23 31 12 ?', 1_798_761_590],
  [1_773_500_966, 'UTC', '@every', 'problem'],
  [1_773_500_966, 'UTC', 'TZ=Nowhere/Land 0 9 * * *', 'problem'],
  [1_773_500_966, 'UTC', '1-2-3 * * * *', 'problem'],
  [1_773_500_966, 'UTC', '1/2/3 * * * *', 'problem'],
  [1_773_500_966, 'UTC', '-1 * * * *', 'problem'],
  [1_773_500_966, 'UTC', '*/1 0 */1 * 1', 1_773_619_200],
  [1_773_500_966, 'UTC', '0 0 1-31 * 1', 1_773_532_800],
];

test('around changes of the clocks, and for odd expressions, it is as in the library as well', () => {
  for (const [after, zone, expression, next] of MEASURED) {
    assert.equal(nextOf(expression, after, zone), next, `${expression} after ${after} in ${zone}`);
  }
});

test('a zone that left out a whole day makes nothing hang', () => {
  // The day that is not there is December 30, a Friday; the library never returns.
  const next = nextOf('TZ=Pacific/Apia 0 3 * * sun-tue', Date.parse('2011-12-29T08:00:00Z') / 1000, 'UTC');
  assert.ok(next === null || typeof next === 'number');
});

test('what was missed is made up for by one run', () => {
  const cron = parseCron('*/5 * * * *');
  assert.ok(cron.kind !== 'problem');
  assert.equal(nextOccurrence(cron, 1_773_501_000, 1_773_501_000 + 7_300, 'UTC'), 1_773_501_000 + 7_500);
  assert.equal(
    nextOccurrence(cron, 1_773_501_000, 1_773_501_000 - 3_600, 'UTC'),
    1_773_501_300,
    'the clock was set back',
  );
});

test('an interval does not drift, however late its runs are', () => {
  const cron = parseCron('@every 7s');
  assert.ok(cron.kind !== 'problem');
  let at = 1_000_000;
  for (let run = 0; run < 10_000; run += 1) at = nextOccurrence(cron, at, at + (run % 13) / 2, 'UTC') ?? 0;
  assert.equal((at - 1_000_000) % 7, 0);
});

function nextOf(expression: string, after: number, zone: string): number | null | 'problem' {
  const cron = parseCron(expression);
  return cron.kind === 'problem' ? 'problem' : nextAfter(cron, after, zone);
}
