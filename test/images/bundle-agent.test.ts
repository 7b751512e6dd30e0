import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundleAgent } from '../../images/bundle-agent.ts';

test('a module of Node that is loaded late is used as it is, not copied at each call', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'the0-bundle-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const text = readFileSync(await bundleAgent(join(directory, 'agent.js')), 'utf8');
  const late = text.match(/\.then\(\(\)=>[^;]{0,8}require\("node:zlib"\)/g) ?? [];
  assert.ok(late.length > 0, 'some are loaded late');
  for (const one of late) assert.equal(one, '.then(()=>require("node:zlib")');
});
