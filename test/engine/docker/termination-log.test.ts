import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  clearTerminationLog,
  readTerminationLog,
  TERMINATION_LOG,
  type TerminationLog,
} from '../../../src/engine/docker/termination-log.ts';

const words = { the0: 1, code: 'bot-exited', facts: { exitCode: 3 } };

function folder(t: TestContext): { logs: string; file: string } {
  const logs = mkdtempSync(join(tmpdir(), 'termination-log-'));
  t.after(() => rmSync(logs, { recursive: true, force: true }));
  return { logs, file: join(logs, TERMINATION_LOG) };
}

function read(logs: string): TerminationLog {
  const log = readTerminationLog(logs);
  assert.ok(log !== 'unsupported');
  return log;
}

const wordsIn = (logs: string) => read(logs).words;
const versionOf = (logs: string) => read(logs).version;

/** Between two runs there is far more time than the clock of a file system has steps. */
async function untilTheClockHasMoved(logs: string): Promise<void> {
  const probe = join(logs, 'probe');
  writeFileSync(probe, '');
  const { ctimeMs } = statSync(probe);
  do {
    await new Promise((resolve) => setTimeout(resolve, 1));
    writeFileSync(probe, 'again');
  } while (statSync(probe).ctimeMs === ctimeMs);
}

describe('the termination log', () => {
  it('holds the last words', (t) => {
    const { logs, file } = folder(t);
    writeFileSync(file, `${JSON.stringify(words)}\n`);
    assert.deepEqual(wordsIn(logs), words);
  });

  it('sends to the container log when the agent left none', (t) => {
    assert.equal(readTerminationLog(folder(t).logs), 'unsupported');
  });

  it('says by being blank that the agent ended without a word', (t) => {
    const { logs, file } = folder(t);
    for (const blanks of ['', ' '.repeat(4_096)]) {
      writeFileSync(file, blanks);
      assert.equal(wordsIn(logs), null);
    }
  });

  it('has another version after every write, and the same as long as there is none', async (t) => {
    const { logs, file } = folder(t);
    writeFileSync(file, JSON.stringify(words));
    const first = versionOf(logs);
    assert.equal(versionOf(logs), first);
    await untilTheClockHasMoved(logs);
    writeFileSync(file, JSON.stringify(words));
    assert.notEqual(versionOf(logs), first);
  });

  it('has another version after a write whose time a bot set back', async (t) => {
    const { logs, file } = folder(t);
    writeFileSync(file, JSON.stringify(words));
    const { atime, mtime } = statSync(file);
    const first = versionOf(logs);
    await untilTheClockHasMoved(logs);
    writeFileSync(file, JSON.stringify(words));
    utimesSync(file, atime, mtime);
    assert.notEqual(versionOf(logs), first);
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
    assert.equal(wordsIn(logs), null);
  });

  it('is read no further than a line of last words goes', (t) => {
    const { logs, file } = folder(t);
    writeFileSync(file, ' '.repeat(1024 * 1024) + JSON.stringify(words));
    assert.equal(wordsIn(logs), null);
  });
});
