import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE_NODE, writeBot } from './bot-folders.ts';
import { makeFolders, removeFolders, startRuntime } from './runtime-under-test.ts';

test('the runtime goes on when nobody reads any more what it prints', async () => {
  const folders = await makeFolders();
  await writeBot(folders.botsDir, { id: 'first', files: IDLE_NODE });
  const runtime = await startRuntime({ engine: 'process', folders });
  try {
    runtime.process.stdout?.destroy();
    runtime.process.stderr?.destroy();
    // Each transition is a line that meets the broken pipe.
    await writeBot(folders.botsDir, { id: 'second', files: IDLE_NODE });
    await runtime.until('second', 'runs', ({ state }) => state === 'running');
    assert.equal((await runtime.ask('second', '/pid')).body.status, 'ok');
    assert.equal(await runtime.end('SIGINT'), 0);
  } finally {
    await runtime.end('SIGKILL');
    await removeFolders(folders);
  }
});
