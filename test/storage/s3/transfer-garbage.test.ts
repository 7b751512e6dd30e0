import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MODULE = fileURLToPath(new URL('../../../src/storage/s3-api/transfer-garbage.ts', import.meta.url));

/** Lets 32 MB pass in chunks that nobody keeps, and prints how many bytes of them there were at most. */
const PROGRAM = `
import { passed } from ${JSON.stringify(MODULE)};
let most = 0;
for (let index = 0; index < 512; index += 1) {
  const chunk = Buffer.allocUnsafeSlow(64 * 1024);
  passed(chunk.length);
  most = Math.max(most, process.memoryUsage().arrayBuffers);
}
console.log(most);
`;

async function mostBytes(...flags: string[]): Promise<number> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', PROGRAM]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  return Number(output);
}

test('Buffers that went through a client do not gather', async () => {
  const kept = await mostBytes();
  const collected = await mostBytes('--expose-gc');
  assert.ok(collected < 8 * 1024 * 1024, `${collected} bytes`);
  assert.ok(collected < kept / 2, `${collected} bytes, and ${kept} where nothing is collected`);
});
