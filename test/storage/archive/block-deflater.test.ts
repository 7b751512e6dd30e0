import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { BlockDeflater } from '../../../src/storage/archive/block-deflater.ts';

function deflated(blocks: readonly Buffer[]): Buffer {
  const written: Buffer[] = [];
  const deflater = new BlockDeflater(zlib, (bytes) => written.push(Buffer.from(bytes)));
  for (const [index, block] of blocks.entries()) deflater.put(block, index === blocks.length - 1);
  return Buffer.concat(written);
}

const SOFT = Buffer.alloc(200_000, 'what repeats itself ');

for (const [what, blocks] of [
  ['nothing', [Buffer.alloc(0)]],
  ['one that does not compress', [randomBytes(70_000)]],
  ['many that do not compress', Array.from({ length: 40 }, () => randomBytes(70_000))],
  ['ones of just the size that a stored block can have', Array.from({ length: 3 }, () => randomBytes(65_535))],
  ['hard ones, and soft ones after them', [randomBytes(9_000), ...Array.from({ length: 30 }, () => SOFT)]],
  ['soft ones, and hard ones after them', [SOFT, SOFT, randomBytes(200_000), randomBytes(1)]],
] as const) {
  test(`blocks become one stream: ${what}`, () => {
    assert.ok(zlib.inflateRawSync(deflated(blocks)).equals(Buffer.concat(blocks)));
  });
}

test('what begins hard and becomes soft is compressed again before long', () => {
  const blocks = [randomBytes(200_000), ...Array.from({ length: 100 }, () => SOFT)];
  assert.ok(deflated(blocks).length < 20 * SOFT.length);
});
