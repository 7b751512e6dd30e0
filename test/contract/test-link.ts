import type { TestLink } from './rule.ts';

/** Suites that are no test files themselves, and one test file that runs each. */
const RUN_BY: Readonly<Record<string, string>> = {
  'test/conformance/desired/run-ledger.ts': 'test/conformance/desired/mongo-run-ledger.test.ts',
  'test/conformance/desired/suite.ts': 'test/conformance/desired/mongodb.test.ts',
  'test/conformance/engine/query-suite.ts': 'test/conformance/engine/docker-queries.test.ts',
  'test/conformance/engine/suite.ts': 'test/conformance/engine/docker-engine.test.ts',
  'test/conformance/storage/suite.ts': 'test/conformance/storage/s3.test.ts',
};

/** A call that declares a test, up to and with its name; `.skip` and `.todo` are no such call, nor is one in a comment. */
const DECLARATION =
  /^(?!\s*(?:\/\/|\*|\/\*)).*?\b(?:test|it)\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/gm;
const PLACEHOLDER = /\$\{[^}]*\}/;

/** @returns the text of a file below the top of the project, null when it is not there */
export type ReadSource = (file: string) => string | null;

/** @returns what is wrong with the link, null when the test is there */
export function linkProblem(link: TestLink, read: ReadSource): string | null {
  const [, file, name] = /^(\S+?\.ts): (.+)$/s.exec(link) ?? [];
  if (file === undefined || name === undefined) return 'is not "<file>: <name>"';
  const source = read(file);
  if (source === null) return `names no file: ${file}`;
  let runnerSource = '';
  if (!file.endsWith('.test.ts')) {
    const runner = RUN_BY[file];
    if (runner === undefined) return `names a file that is no test file, and nobody says who runs it: ${file}`;
    runnerSource = read(runner) ?? '';
    if (!runnerSource.includes(`/${file.split('/').at(-1)}'`)) return `names a suite that ${runner} does not import`;
  }
  const isThere = namesIn(source + runnerSource).some((declared) => declared(name));
  return isThere ? null : `names no test of ${file}: ${name}`;
}

/** Sources by their text, since many links name the same file. */
const known = new Map<string, readonly ((name: string) => boolean)[]>();

function namesIn(source: string): readonly ((name: string) => boolean)[] {
  const before = known.get(source);
  if (before !== undefined) return before;
  const names = [...source.matchAll(DECLARATION)].map(([, single, double, template]) => {
    if (template !== undefined && PLACEHOLDER.test(template)) return fromTable(template, source);
    const declared = unescaped(single ?? double ?? template ?? '');
    return (name: string) => name === declared;
  });
  known.set(source, names);
  return names;
}

/** A name that is put together for each row of a table: what stands in the gaps must be written somewhere in the file. */
function fromTable(template: string, source: string): (name: string) => boolean {
  const fixed = template.split(PLACEHOLDER).map((text) => unescaped(text).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`^${fixed.join('(.+)')}$`, 's');
  return (name) =>
    pattern
      .exec(name)
      ?.slice(1)
      .every((part) => source.includes(part)) ?? false;
}

function unescaped(literal: string): string {
  return literal.replace(/\\(.)/g, '$1');
}
