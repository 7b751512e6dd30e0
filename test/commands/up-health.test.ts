import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { IDLE_NODE, writeBot } from '../e2e/bot-folders.ts';
import { makeFolders, removeFolders } from '../e2e/runtime-under-test.ts';
import { freePort } from '../services/free-port.ts';
import { runCli, startCli } from './run-cli.ts';

test('up answers health checks and shows metrics when it is asked to', async (t) => {
  const folders = await makeFolders();
  t.after(() => removeFolders(folders));
  await writeBot(folders.botsDir, { id: 'idle', files: IDLE_NODE });
  const port = await freePort();
  const words = ['up', '--bots', folders.botsDir, '--data-dir', folders.dataDir, '--query-port', '0'];
  const up = startCli([...words, '--health-port', String(port)]);
  const ask = async (path: string): Promise<string> => {
    try {
      return await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    } catch {
      return '';
    }
  };
  try {
    const isRunning = /\nthe0_bots\{kind="realtime",state="running"\} 1\n/;
    while (!isRunning.test(await ask('/metrics'))) {
      assert.equal(up.child.exitCode, null, up.stderr());
      await delay(100);
    }
    assert.equal(await ask('/healthz'), 'ok');
    while ((await ask('/readyz')) !== 'ok') {
      assert.equal(up.child.exitCode, null, up.stderr());
      await delay(50);
    }
    assert.equal(await ask('/readyz?verbose'), 'ok\nstart: ok\nengine: ok\n');
    const page = await ask('/metrics');
    assert.match(page, /\nthe0_bot_starts_total\{reason="first-start"\} 1\n/);
    assert.match(page, /\nthe0_engine_call_duration_seconds_count\{operation="start",outcome="ok"\} 1\n/);
    // A second one must not go on without the port it was told to take.
    const other = await makeFolders();
    t.after(() => removeFolders(other));
    const second = ['up', '--bots', other.botsDir, '--data-dir', other.dataDir, '--query-port', '0'];
    const { code, stderr } = await runCli([...second, '--health-port', String(port)]);
    assert.equal(code, 1);
    assert.match(stderr, /port \d+ for health checks: something else listens there/);
    up.child.kill('SIGINT');
    assert.equal((await up.result).code, 0);
  } finally {
    up.child.kill('SIGKILL');
  }
});
