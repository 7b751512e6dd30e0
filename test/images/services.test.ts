import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { SERVICE_ENV, SERVICE_NODE_FLAGS } from '../../images/services.ts';
import { stripTypesBelow } from '../../images/strip-types.ts';
import { temporaryDirectory } from '../admin/admin-fixture.ts';

test('sources without their types run alike, and errors name their lines', async (t) => {
  const folder = await temporaryDirectory(t);
  await mkdir(join(folder, 'parts'));
  await writeFile(
    join(folder, 'main.ts'),
    `import type { Part } from './parts/part.ts';
interface Sum {
  readonly of: readonly Part[];
}
export const thread = new URL('./parts/part.ts', import.meta.url);
export async function sum({ of }: Sum): Promise<number> {
  const { value } = await import('./parts/part.ts');
  if (of.length === 0) throw new Error('nothing');
  return of.reduce((total: number, part) => total + value(part), 0);
}
`,
  );
  await writeFile(
    join(folder, 'parts/part.ts'),
    `export interface Part { readonly size: number }
export const value = (part: Part): number => part.size;
`,
  );
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  stripTypesBelow(folder);
  assert.deepEqual((await readdir(folder, { recursive: true })).sort(), [
    'main.js',
    'package.json',
    'parts',
    'parts/part.js',
  ]);
  const { sum, thread } = await import(pathToFileURL(join(folder, 'main.js')).href);
  assert.equal(await sum({ of: [{ size: 2 }, { size: 3 }] }), 5);
  assert.match(thread.pathname, /parts\/part\.js$/);
  await assert.rejects(sum({ of: [] }), (error: Error) => /main\.js:8:30/.test(error.stack ?? ''));
});

test('an import that leads nowhere is found when the image is made', async (t) => {
  const folder = await temporaryDirectory(t);
  await mkdir(join(folder, 'parts'));
  await writeFile(join(folder, 'main.ts'), "import './parts/other.ts';\nimport './not-in-the-image/other.ts';\n");
  assert.throws(() => stripTypesBelow(folder), /main\.js imports \.\/parts\/other\.js, which is not there/);
});

test('services are measured as the launcher starts them', async () => {
  const launcher = await readFile(join(import.meta.dirname, '../../images/runtime/launcher.sh'), 'utf8');
  const exports = Object.entries(SERVICE_ENV).map(([name, value]) => `export ${name}=${value}`);
  for (const line of [...exports, `/app/node ${SERVICE_NODE_FLAGS.join(' ')} /app/services/src/commands/main.js`]) {
    assert.ok(launcher.includes(line), line);
  }
});
