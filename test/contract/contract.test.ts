import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Rule, Shown, TestLink } from './rule.ts';
import { SCENARIOS } from './scenarios.ts';
import { SECTION_1 } from './section-1-cli.ts';
import { SECTION_2 } from './section-2-mongodb.ts';
import { SECTION_3 } from './section-3-nats.ts';
import { SECTION_4 } from './section-4-storage.ts';
import { SECTION_5 } from './section-5-docker.ts';
import { SECTION_6 } from './section-6-execute.ts';
import { SECTION_7 } from './section-7-sync.ts';
import { SECTION_8 } from './section-8-queries.ts';
import { SECTION_11 } from './section-11-gc.ts';
import { linkProblem } from './test-link.ts';
import { WEAKNESSES } from './weaknesses.ts';

/** With what each section of the contract has below it. */
const SECTIONS: readonly (readonly [rules: readonly Rule[], parts: readonly string[]])[] = [
  [SECTION_1, ['0', ...parts(1, 4)]],
  [SECTION_2, parts(2, 7)],
  [SECTION_3, parts(3, 5)],
  [SECTION_4, parts(4, 7)],
  [SECTION_5, parts(5, 11)],
  [SECTION_6, parts(6, 8)],
  [SECTION_7, parts(7, 6)],
  [SECTION_8, parts(8, 7)],
  [SECTION_11, ['11']],
];
const RULES = SECTIONS.flatMap(([rules]) => rules);

/** What is not shown yet. Shorter is progress; it must not grow. */
const OPEN: readonly string[] = [];

const ROOT = new URL('../../', import.meta.url);
const sources = new Map<string, string | null>();

function read(file: string): string | null {
  let source = sources.get(file);
  if (source === undefined) {
    try {
      source = readFileSync(new URL(file, ROOT), 'utf8');
    } catch {
      source = null;
    }
    sources.set(file, source);
  }
  return source;
}

function parts(section: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${section}.${index + 1}`);
}

const all: readonly { readonly name: string; readonly shown: Shown }[] = [
  ...RULES.map((rule) => ({ name: `rule ${rule.id}`, shown: rule })),
  ...WEAKNESSES.map((weakness) => ({ name: `weakness ${weakness.number}`, shown: weakness })),
  ...SCENARIOS.map((scenario) => ({ name: `scenario of ${scenario.of}`, shown: scenario })),
];

test('each rule, weakness and scenario names tests that are there', () => {
  const problems = all.flatMap(({ name, shown }) => {
    if (!('tests' in shown)) return [];
    if (shown.tests.length === 0) return [`${name} has no test`];
    return shown.tests.flatMap((link) => {
      const problem = linkProblem(link, read);
      return problem === null ? [] : [`${name} ${problem}`];
    });
  });
  assert.deepEqual(problems, []);
});

test('numbers are unique and in order, and no part of a section is left out', () => {
  for (const [rules, names] of SECTIONS) {
    const seen = names.map((part) => rules.filter(({ id }) => id.startsWith(`${part}-`)));
    assert.deepEqual(seen.flat(), rules, 'in the order of the contract');
    for (const [index, rulesOfPart] of seen.entries()) {
      const numbers = rulesOfPart.map((_, nth) => `${names[index]}-${nth + 1}`);
      assert.deepEqual(
        rulesOfPart.map(({ id }) => id),
        numbers,
      );
      assert.ok(numbers.length > 0, `nothing of ${names[index]}`);
    }
  }
  assert.deepEqual(
    WEAKNESSES.map(({ number }) => number),
    Array.from({ length: 82 }, (_, index) => index + 1),
  );
  assert.equal(new Set(SCENARIOS.map(({ of }) => of)).size, SCENARIOS.length);
});

test('no more is open than is known', (t) => {
  const isOpen = (shown: Shown) => 'open' in shown;
  const count = (kind: (shown: Shown) => boolean, of: readonly Shown[] = RULES) => of.filter(kind).length;
  for (const { name, shown } of all) if ('open' in shown) t.diagnostic(`${name} is open: ${shown.open}`);
  t.diagnostic(
    `${RULES.length} rules: ${count((shown) => 'tests' in shown && shown.departs === undefined)} kept, ` +
      `${count((shown) => 'departs' in shown)} departed from, ${count(isOpen)} open, ` +
      `${count((shown) => 'kubernetes' in shown)} of Kubernetes`,
  );
  assert.deepEqual(
    RULES.filter(isOpen).map(({ id }) => id),
    OPEN,
  );
  assert.equal(count(isOpen, WEAKNESSES) + count(isOpen, SCENARIOS), 0);
});

test('the check sees a test that is not there, skipped, or only spoken of', () => {
  const suite = 'test/conformance/storage/suite.ts';
  const runner = 'test/conformance/storage/s3.test.ts';
  const files = new Map([
    ['test/a.test.ts', "test('it is so', () => {});\n// test it('never')\nconst row = ['never'];"],
    [
      'test/b.test.ts',
      `for (const n of ['one', 'two']) it(\`row \${n} (\${it}) works\`, () => {});\nit.skip('later');`,
    ],
    ['test/c.test.ts', 'test("it\'s \\"so\\"", () => {});'],
    [suite, "export const suite = () => it('holds');"],
    [runner, "import { suite } from './suite.ts';"],
    ['test/d.ts', "test('x');"],
  ]);
  const problem = (link: TestLink) => linkProblem(link, (file) => files.get(file) ?? null);
  for (const good of [
    'test/a.test.ts: it is so',
    'test/b.test.ts: row one (two) works',
    'test/c.test.ts: it\'s "so"',
    `${suite}: holds`,
  ] as const) {
    assert.equal(problem(good), null, good);
  }
  for (const [bad, why] of [
    ['test/none.test.ts: it is so', /no file/],
    ['test/a.test.ts: it is', /no test/],
    ['test/a.test.ts: never', /no test/],
    ['test/b.test.ts: row three (two) works', /no test/],
    ['test/b.test.ts: later', /no test/],
    ['test/d.ts: x', /no test file/],
  ] as const) {
    assert.match(problem(bad) ?? '', why, bad);
  }
  files.delete(runner);
  assert.match(problem(`${suite}: holds`) ?? '', /does not import/);
});
