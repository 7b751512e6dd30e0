import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readStoreSettings } from '../../../src/agent/agent-settings.ts';
import { findState } from '../../../src/agent/daemon/state-presence.ts';
import { RESTORING } from '../../../src/agent/state/restore.ts';

function stage(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'the0-presence-'));
  t.after(() => rmSync(root, { recursive: true }));
  const settings = {
    ...readStoreSettings({}),
    botId: 'a',
    statePath: join(root, 'state'),
    logsPath: join(root, 'logs'),
    incarnation: 7,
  };
  for (const path of [settings.statePath, settings.logsPath]) mkdirSync(path);
  const end = new AbortController();
  return { settings, end, found: findState(settings, {}, end.signal) };
}

test('what a bot writes shortly before the end is found', async (t) => {
  const { settings, end, found } = stage(t);
  writeFileSync(join(settings.statePath, 'first'), 'x');
  end.abort();
  assert.equal(await found, 7);
});

test('a state that is only half there at the end is none', async (t) => {
  const { settings, end, found } = stage(t);
  writeFileSync(join(settings.statePath, RESTORING), '');
  writeFileSync(join(settings.statePath, 'first'), 'x');
  end.abort();
  assert.equal(await found, null);
});
