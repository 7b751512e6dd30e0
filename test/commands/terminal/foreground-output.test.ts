import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../e2e/runtime-under-test.ts';

const PROGRAM = join(import.meta.dirname, 'prints-much.ts');
const LINES = 20_000;
const LONG_MS = 60_000;

/** It starts a program on a terminal of its own, of which this test is the reader. */
const hasTerminals = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true;

interface Printing {
  readonly command: readonly [string, ...string[]];
  readonly flushMs: number;
}

/** Lets it print while nobody reads. @returns what it printed when it is read after that, and how it ended */
async function printUnread({ command, flushMs }: Printing, read: boolean) {
  const folder = await mkdtemp(join(tmpdir(), 'the0-output-'));
  const printed = join(folder, 'printed');
  const [program, ...words] = command;
  const line = `${process.execPath} ${PROGRAM} ${LINES} ${printed} ${flushMs}`;
  const child = spawn(program, [...words, line, ...(program === 'script' ? ['/dev/null'] : [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const ended = once(child, read ? 'close' : 'exit');
    await poll('all to be printed', async () => existsSync(printed) || undefined, LONG_MS);
    let text = '';
    if (read) {
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    }
    await ended;
    return { text, exitCode: child.exitCode };
  } finally {
    child.kill('SIGKILL');
    child.stdout.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

function assertAllAccountedFor(text: string): void {
  const shown = text.match(/^x{99}\r?$/gm)?.length ?? 0;
  // Whoever holds the terminal may have taken some in between.
  const leftOut = [...text.matchAll(/^left out: (\d+)\r?$/gm)].reduce((sum, [, lines]) => sum + Number(lines), 0);
  assert.equal(shown + leftOut, LINES, `${shown} lines are there, and ${leftOut} are said to be missing`);
  assert.ok(leftOut > 0);
  assert.match(text, /the last/);
}

const SHELL: Printing['command'] = ['sh', '-c'];
const TERMINAL: Printing['command'] = ['script', '-qec'];

test('a pipe that nobody reads holds up nothing; what was left out is counted when it is read again', async () => {
  assertAllAccountedFor((await printUnread({ command: SHELL, flushMs: LONG_MS }, true)).text);
});

test('so does a terminal', { skip: hasTerminals ? false : 'there is no `script` here' }, async () => {
  assertAllAccountedFor((await printUnread({ command: TERMINAL, flushMs: LONG_MS }, true)).text);
});

test('who does not want to wait for the reader for ever is told that not all got out', async () => {
  assert.equal((await printUnread({ command: SHELL, flushMs: 100 }, false)).exitCode, 3);
});
