import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AgentError } from '../../src/agent/agent-error.ts';
import { type AgentLimits, DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { fetchStoredCode } from '../../src/agent/stored-code.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { filesIn, handMade, scratch } from '../storage/code-archive/archives.ts';
import { MemoryStore } from '../storage/code-archive/memory-store.ts';

const KEY = 'local/grid/1.0.0';

function scene(t: TestContext) {
  const codePath = join(scratch(t), 'bot');
  const store = new MemoryStore();
  const fetch = (limits: Partial<AgentLimits> = {}) =>
    fetchStoredCode(
      { store, buckets: DEFAULT_BUCKETS },
      { key: KEY, codePath, limits: { ...DEFAULT_AGENT_LIMITS, storeRetryMs: 1, ...limits } },
    );
  const visible = () => readdirSync(codePath).filter((name) => !name.startsWith('.the0-code'));
  return { codePath, store, fetch, visible };
}

const archive = (text: string) =>
  handMade([
    { name: 'main.py', content: text },
    { name: 'lib/a.py', content: 'x = 1\n' },
  ]);

async function failure(fetched: Promise<void>): Promise<AgentError> {
  try {
    await fetched;
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'it did not fail' });
}

test('the archive becomes the code, and nothing else is left but the marker', async (t) => {
  const { codePath, store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  await fetch();
  const { '.the0-code': marker, ...files } = filesIn(codePath);
  assert.deepEqual(files, { 'lib/a.py': '644 x = 1\n', 'main.py': '644 one' });
  assert.match(marker ?? '', /local\/grid\/1\.0\.0/);
  assert.deepEqual(readdirSync(codePath).sort(), ['.the0-code', 'lib', 'main.py']);
});

test('a version that is there already is not fetched again, and its files are not touched', async (t) => {
  const { codePath, store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  await fetch();
  const before = statSync(join(codePath, 'main.py'));
  writeFileSync(join(codePath, 'result.json'), '{}');
  store.calls.length = 0;
  await fetch();
  assert.deepEqual(store.calls, [`head ${KEY}`]);
  assert.equal(statSync(join(codePath, 'main.py')).ino, before.ino);
  assert.ok(existsSync(join(codePath, 'result.json')));
});

test('another archive under the same key replaces everything', async (t) => {
  const { codePath, store, fetch, visible } = scene(t);
  store.put(KEY, archive('one'));
  await fetch();
  writeFileSync(join(codePath, 'result.json'), '{}');
  store.put(KEY, handMade([{ name: 'main.py', content: 'two' }]));
  await fetch();
  assert.deepEqual(visible(), ['main.py']);
  assert.equal(filesIn(codePath)['main.py'], '644 two');
});

test('an archive that cannot be used leaves the code as it was', async (t) => {
  const { codePath, store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  await fetch();
  store.put(
    KEY,
    handMade([
      { name: 'main.py', content: 'two' },
      { name: '../x', content: 'x' },
    ]),
  );
  await failure(fetch());
  assert.equal(filesIn(codePath)['main.py'], '644 one');
  assert.deepEqual(readdirSync(codePath).sort(), ['.the0-code', 'lib', 'main.py']);
});

test('an archive that turns out bad half-way leaves nothing', async (t) => {
  const { store, fetch, codePath } = scene(t);
  store.put(
    KEY,
    handMade([
      { name: 'main.py', content: 'one' },
      { name: 'b', content: 'x', crc: 1 },
    ]),
  );
  const { code, message, facts } = await failure(fetch());
  assert.equal(code, 'code-archive-bad');
  assert.equal(
    message,
    `the code of the bot cannot be used: the archive is damaged: the checksum of "b" is wrong (custom-bots/${KEY})`,
  );
  assert.deepEqual(facts, {
    path: `custom-bots/${KEY}`,
    detail: 'the archive is damaged: the checksum of "b" is wrong',
  });
  assert.deepEqual(readdirSync(codePath), []);
});

test('a missing object is told from a damaged one', async (t) => {
  const { code, message } = await failure(scene(t).fetch());
  assert.equal(code, 'code-missing');
  assert.match(message, /there is no local\/grid\/1\.0\.0 in the bucket custom-bots/);
});

test('a store that refuses is not asked again', async (t) => {
  const { store, fetch } = scene(t);
  store.troubles.push('denied');
  assert.equal((await failure(fetch())).code, 'store-denied');
  assert.equal(store.calls.length, 1);
});

test('a store that does not answer is asked again, but not for ever', async (t) => {
  const { store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  store.troubles.push('unreachable', 'busy');
  await fetch();
  store.put(KEY, archive('two'));
  store.calls.length = 0;
  store.troubles.push(...Array.from({ length: 9 }, () => 'unreachable' as const));
  const { code, message } = await failure(fetch({ storeAttempts: 3 }));
  assert.equal(code, 'store-unreachable');
  assert.match(message, /after 3 tries: the store is unreachable/);
  assert.equal(store.calls.length, 3);
});

test('a download that breaks off goes on where it was', async (t) => {
  const { codePath, store, fetch } = scene(t);
  const content = Array.from({ length: 200 }, (_, index) => `line ${index * 7919}`).join('\n');
  store.put(KEY, handMade([{ name: 'main.py', content, method: 0 }]));
  store.breaks.push(500, 300);
  await fetch();
  assert.equal(filesIn(codePath)['main.py'], `644 ${content.slice(0, 100)}`);
  assert.deepEqual(store.calls, [`head ${KEY}`, `read ${KEY} from 0`, `read ${KEY} from 500`, `read ${KEY} from 800`]);
});

test('an archive that is replaced while it is read is read anew', async (t) => {
  const { codePath, store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  const read = store.read.bind(store);
  store.read = (place, options) => {
    store.read = read;
    store.put(KEY, archive('two'));
    return read(place, options);
  };
  await fetch();
  assert.equal(filesIn(codePath)['main.py'], '644 two');
});

test('an object larger than the code may be is not fetched', async (t) => {
  const { store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  assert.equal((await failure(fetch({ codeBytes: 10 }))).code, 'code-too-large');
  assert.deepEqual(store.calls, [`head ${KEY}`]);
});

test('an archive that unpacks to more than the limits allow is too large', async (t) => {
  const { store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  assert.equal((await failure(fetch({ codeFiles: 1 }))).code, 'code-too-large');
});

test('a directory with files of somebody else is left alone', async (t) => {
  const { codePath, store, fetch, visible } = scene(t);
  store.put(KEY, archive('one'));
  mkdirSync(codePath);
  writeFileSync(join(codePath, 'precious.txt'), 'x');
  const { code, message } = await failure(fetch());
  assert.equal(code, 'code-unavailable');
  assert.match(message, /holds files that were not put there by this agent/);
  assert.deepEqual(visible(), ['precious.txt']);
});

test('what an interrupted start left behind is cleared away', async (t) => {
  const { codePath, store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  mkdirSync(join(codePath, '.the0-code-abc123/code'), { recursive: true });
  writeFileSync(join(codePath, '.the0-code-abc123/code/half.py'), 'x');
  await fetch();
  assert.deepEqual(readdirSync(codePath).sort(), ['.the0-code', 'lib', 'main.py']);
});

for (const state of ['replacing', 'unpacked']) {
  test(`a crash while the code was moved to its place (${state}) is made good by the next start`, async (t) => {
    const { codePath, store, fetch, visible } = scene(t);
    store.put(KEY, archive('one'));
    await fetch();
    // As it was before the last file had been moved.
    const staged = join(codePath, '.the0-code-abc123', 'code');
    mkdirSync(staged, { recursive: true });
    renameSync(join(codePath, 'main.py'), join(staged, 'main.py'));
    if (state === 'replacing') {
      renameSync(join(codePath, 'lib'), join(staged, 'lib'));
      writeFileSync(join(codePath, 'old.py'), 'of the version before');
    }
    const info = await store.head({ bucket: 'custom-bots', key: KEY });
    const { boot } = JSON.parse(readFileSync(join(codePath, '.the0-code'), 'utf8'));
    const marker = { v: 1, state, staging: '.the0-code-abc123', key: `custom-bots/${KEY}`, etag: info?.etag, boot };
    writeFileSync(join(codePath, '.the0-code'), JSON.stringify(marker));
    store.calls.length = 0;
    await fetch();
    assert.deepEqual(store.calls, [`head ${KEY}`]);
    assert.deepEqual(visible().sort(), ['lib', 'main.py']);
    assert.equal(existsSync(join(codePath, '.the0-code-abc123')), false);
  });
}

test('code from before the machine was started anew is not trusted', async (t) => {
  const { codePath, store, fetch } = scene(t);
  store.put(KEY, archive('one'));
  await fetch();
  const marker = JSON.parse(readFileSync(join(codePath, '.the0-code'), 'utf8'));
  writeFileSync(join(codePath, '.the0-code'), JSON.stringify({ ...marker, boot: 'another' }));
  writeFileSync(join(codePath, 'main.py'), '');
  await fetch();
  assert.equal(filesIn(codePath)['main.py'], '644 one');
});
