import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const PROJECT = resolve(import.meta.dirname, '../../..');
const NAME = /(?:name:|counter\(|gauge\()\s*'(the0_[a-z0-9_]+)'/g;

test('every figure is in docs/metrics.md, and no other', () => {
  const sources = globSync('src/{admin/metrics,commands}/**/*.ts', { cwd: PROJECT });
  const inSource = sources.flatMap((file) =>
    [...readFileSync(join(PROJECT, file), 'utf8').matchAll(NAME)].map(([, name]) => name),
  );
  const text = readFileSync(join(PROJECT, 'docs/metrics.md'), 'utf8');
  const inDocs = [...text.matchAll(/^\| `(the0_[a-z0-9_]+)/gm)].map(([, name]) => name);
  assert.ok(inSource.length > 15);
  assert.deepEqual(inDocs.toSorted(), inSource.toSorted());
});
