import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpecProblem } from '../../actors/bot-spec.ts';
import { causeOfExit } from '../../actors/exit.ts';
import type { EngineFailure } from '../../actors/message.ts';
import type { LastWordsCode } from '../../actors/observation.ts';
import { describeReason, isReasonCode, REASONS, type ReasonCode, type ReasonFacts } from '../../actors/reason.ts';
import { duration } from '../../actors/reason-wording.ts';

const SAMPLE: ReasonFacts = {
  afterMs: 12_000,
  attempt: 3,
  command: 'npm run image',
  containerId: 'c0ffee',
  detail: 'ValueError: x',
  effect: 'start',
  exhausted: true,
  exitCode: 3,
  expected: 'a string',
  field: 'custom.version',
  format: 2,
  found: 'a number',
  graceMs: 30_000,
  image: 'the0-runtime:local',
  kind: 'scheduled',
  known: 'python3.11, nodejs20',
  other: 'b/bot.json',
  owner: 'somebody',
  path: 'a/bot.json',
  program: 'python3',
  runtime: 'cobol',
  signal: 'SIGKILL',
  tookMs: 250,
  variable: 'BOT_ID',
};

function describe(code: ReasonCode, facts: ReasonFacts) {
  return describeReason({ code, facts, at: 1, incarnation: 1, specRevision: 'r' });
}

for (const code of Object.keys(REASONS).filter(isReasonCode)) {
  test(`${code} is a sentence, with its facts and without`, () => {
    for (const facts of [SAMPLE, {}]) {
      const { text, advice } = describe(code, facts);
      for (const part of advice === '' ? [text] : [text, advice]) {
        assert.match(part, /^[A-Z].*[.?!"]$/s, part);
        assert.doesNotMatch(part, /undefined|null|NaN|\[object| {2}|\.\.|""/, part);
      }
    }
  });
}

test('a sentence tells what happened with its numbers, and the advice what to do', () => {
  const { text, advice } = describe('bot-crashed', { exitCode: 3, afterMs: 12_000, detail: 'ValueError: x' });
  assert.equal(text, 'The bot exited with code 3 after 12 s: "ValueError: x"');
  assert.equal(advice, "Fix the bot's code; it is retried in the meantime.");
});

const LAST_WORDS: Record<LastWordsCode, ReasonCode> = {
  'bot-exited': 'bot-crashed',
  'bot-import-failed': 'bot-import-failed',
  'entrypoint-missing': 'entrypoint-missing',
  'code-unavailable': 'code-unavailable',
  'code-missing': 'code-missing',
  'code-archive-bad': 'code-archive-bad',
  'code-too-large': 'code-too-large',
  'store-denied': 'store-denied',
  'store-unreachable': 'store-unreachable',
  'state-unreadable': 'state-unreadable',
  'state-superseded': 'state-superseded',
  'program-missing': 'interpreter-missing',
  'environment-incomplete': 'environment-incomplete',
  stopped: 'container-stopped',
  'killed-after-grace': 'container-stopped',
};

const EXIT = { incarnation: 1, code: 1, signal: null, outOfMemory: false, lastWords: null, at: 1 } as const;

for (const [said, code] of Object.entries(LAST_WORDS)) {
  test(`the last words ${said} become the reason ${code}`, () => {
    const words = Object.keys(LAST_WORDS).find((key): key is LastWordsCode => key === said) ?? 'bot-exited';
    assert.equal(causeOfExit({ ...EXIT, lastWords: { the0: 1, code: words, facts: {} } }, 5)?.code, code);
  });
}

test('every failure of an engine and every problem of a spec has a reason', () => {
  const failures: Record<EngineFailure['code'], ReasonCode> = {
    unreachable: 'engine-unreachable',
    'keys-unavailable': 'keys-unavailable',
    'standing-by': 'standing-by',
    'image-missing': 'image-missing',
    'program-missing': 'program-missing',
    'code-unavailable': 'code-unavailable',
    'name-taken': 'name-taken',
    superseded: 'spec-changed',
    rejected: 'engine-rejected',
  };
  const problems: Record<SpecProblem['code'], true> = {
    'spec-unreadable': true,
    'spec-invalid': true,
    'spec-duplicate': true,
    'spec-newer-format': true,
    'code-unreadable': true,
  };
  for (const code of [...Object.values(failures), ...Object.keys(problems)]) assert.ok(isReasonCode(code), code);
});

test('an exit without last words is told by code, signal or memory', () => {
  assert.equal(causeOfExit({ ...EXIT, code: 0 }, 5).code, 'bot-exited');
  assert.deepEqual(causeOfExit({ ...EXIT, code: 137 }, 5), {
    code: 'bot-killed',
    facts: { afterMs: 5, signal: 'SIGKILL' },
  });
  assert.equal(causeOfExit({ ...EXIT, code: null, signal: 'SIGSEGV' }, 5).code, 'bot-killed');
  assert.equal(causeOfExit({ ...EXIT, outOfMemory: true }, 5).code, 'bot-out-of-memory');
  assert.equal(causeOfExit({ ...EXIT, code: null }, 5).code, 'exit-unknown');
  assert.equal(causeOfExit(null, null).code, 'exit-unknown');
});

test('what a container says about itself is cut, and cannot break a line', () => {
  const facts = { exitCode: 1, detail: `a\u001b[31m\nb${'x'.repeat(1_000)}`, secret: 'kept out' };
  const cause = causeOfExit({ ...EXIT, lastWords: { the0: 1, code: 'bot-exited', facts } }, 5);
  assert.match(String(cause.facts['detail']), /^a \[31m bx+…$/);
  assert.equal(String(cause.facts['detail']).length, 300);
  assert.equal(cause.facts['secret'], undefined);
});

test('a code of another version is not taken for one of ours', () => {
  assert.equal(isReasonCode('toString'), false);
  assert.equal(isReasonCode('started'), true);
});

test('what an agent could not store before it ended is told, however it ended', () => {
  for (const code of ['bot-exited', 'stopped', 'state-unreadable'] as const) {
    const lastWords = { the0: 1, code, facts: { notStored: 'state and log' } } as const;
    const cause = causeOfExit({ ...EXIT, lastWords }, 1_000);
    assert.match(describe(cause.code, cause.facts).text, /What was last of its state and log could not be stored/);
  }
});

test('durations read well at every size', () => {
  const said = [0, 999, 1_234, 9_960, 59_400, 200_000, 3_600_000, 18_720_000, 360_000_000, Number.NaN].map(duration);
  assert.deepEqual(said, [
    '0 ms',
    '999 ms',
    '1.2 s',
    '10 s',
    '59 s',
    '3 min 20 s',
    '1 h',
    '5 h 12 min',
    '4 d 4 h',
    'some time',
  ]);
});

test('a misspelt field, a full disk and too few open files each have their own advice', () => {
  const invalid = describe('spec-invalid', {
    path: 'a/bot.json',
    field: 'custom.config.entrypoints',
    similar: 'x.entrypoint',
  });
  assert.match(invalid.advice, /Did you mean "x\.entrypoint"/);
  const full = describe('code-unreadable', { path: 'a', detail: 'the disk is full', fault: 'disk-full' });
  assert.match(full.text, /cannot be copied/);
  assert.match(full.advice, /Make room/);
  assert.doesNotMatch(full.advice, /permissions/);
  assert.match(describe('code-unreadable', { fault: 'open-files' }).advice, /ulimit -n/);
  assert.match(describe('code-unreadable', { fault: 'data-directory' }).advice, /data directory/);
  assert.match(describe('code-unreadable', { detail: 'permission denied' }).advice, /permissions/);
});
