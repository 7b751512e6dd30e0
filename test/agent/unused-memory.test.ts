import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MODULE = fileURLToPath(new URL('../../src/agent/unused-memory.ts', import.meta.url));

/** Makes garbage that V8 would keep, and tells how much of its heap is in use before and after. */
const PROGRAM = `
import { giveBackUnusedMemory } from ${JSON.stringify(MODULE)};
let garbage = Array.from({ length: 200_000 }, (_, index) => ({ index }));
garbage = null;
const before = process.memoryUsage().heapUsed;
const end = giveBackUnusedMemory({ memoryCheckMs: 20, memoryGrowthBytes: 1 });
const deadline = Date.now() + 5_000;
const look = () => {
  const after = process.memoryUsage().heapUsed;
  if (before - after < 4_000_000 && Date.now() < deadline) return setTimeout(look, 50);
  end();
  console.log(before - after >= 4_000_000 ? 'given back' : 'kept');
};
look();
`;

async function run(...flags: string[]): Promise<string> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', PROGRAM]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, output);
  return output.trim().split('\n').at(-1) ?? '';
}

test('what is not needed any more is given back', async () => {
  assert.equal(await run('--expose-gc', '--max-semi-space-size=32', '--min-semi-space-size=32'), 'given back');
});

test('without --expose-gc nothing happens, and nothing breaks', async () => {
  assert.equal(await run('--max-semi-space-size=32', '--min-semi-space-size=32'), 'kept');
});
