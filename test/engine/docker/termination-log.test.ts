import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  clearTerminationLog,
  readTerminationLog,
  TERMINATION_LOG,
} from '../../../src/engine/docker/termination-log.ts';

const words = { the0: 1, code: 'bot-exited', facts: { exitCode: 3 } };

function folder(t: TestContext): { logs: string; file: string } {
  const logs = mkdtempSync(join(tmpdir(), 'termination-log-'));
  t.after(() => rmSync(logs, { recursive: true, force: true }));
  return { logs, file: join(logs, TERMINATION_LOG) };
}

describe('the termination log', () => {
  it('holds the last words', (t) => {
    const { logs, file } = folder(t);
    writeFileSync(file, `${JSON.stringify(words)}\n`);
    assert.deepEqual(readTerminationLog(logs), words);
  });

  it('sends to the container log when the agent left none', (t) => {
    assert.equal(readTerminationLog(folder(t).logs), 'unsupported');
  });

  it('says by being blank that the agent ended without a word', (t) => {
    const { logs, file } = folder(t);
    for (const blanks of ['', ' '.repeat(4_096)]) {
      writeFileSync(file, blanks);
      assert.equal(readTerminationLog(logs), null);
    }
  });

  it('is not what an earlier run left', async (t) => {
    const { logs, file } = folder(t);
    writeFileSync(file, JSON.stringify(words));
    await clearTerminationLog(logs);
    await clearTerminationLog(logs);
    assert.equal(readTerminationLog(logs), 'unsupported');
  });

  it('is not followed to where a bot points it', (t) => {
    const { logs, file } = folder(t);
    writeFileSync(join(logs, 'secret'), JSON.stringify(words));
    symlinkSync(join(logs, 'secret'), file);
    assert.equal(readTerminationLog(logs), 'unsupported');
  });

  it('does not wait for a pipe a bot put there', (t) => {
    const { logs, file } = folder(t);
    execFileSync('mkfifo', [file]);
    assert.equal(readTerminationLog(logs), null);
  });

  it('is read no further than a line of last words goes', (t) => {
    const { logs, file } = folder(t);
    writeFileSync(file, ' '.repeat(1024 * 1024) + JSON.stringify(words));
    assert.equal(readTerminationLog(logs), null);
  });
});
