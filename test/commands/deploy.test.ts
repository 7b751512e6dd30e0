import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { fetchStoredCode } from '../../src/agent/stored-code.ts';
import { deploy } from '../../src/commands/deploy.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { parseBotJson } from '../../src/desired/directory/bot-json.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { filesIn } from '../storage/code-archive/archives.ts';
import { MemoryStore } from '../storage/code-archive/memory-store.ts';
import { runCli } from './run-cli.ts';

interface Wish {
  readonly id?: string;
  readonly name?: string;
  readonly version?: string;
  readonly runtime?: string;
  readonly bot?: string;
  readonly query?: string;
}

function botJson({
  id = 'my-bot',
  name = 'grid',
  version = '1.0.0',
  runtime = 'python3.11',
  bot = 'main.py',
  query,
}: Wish) {
  const entrypoints = { bot, ...(query === undefined ? {} : { query }) };
  return {
    format: 1,
    id,
    config: { apiKey: 'very-secret' },
    custom: { version, note: 'kept', config: { name, type: 'realtime', runtime, entrypoints } },
  };
}

function scene(t: TestContext, wish: Wish = {}) {
  const root = mkdtempSync(join(tmpdir(), 'the0-deploy-test-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, 'source');
  const bots = join(root, 'bots');
  mkdirSync(bots);
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  put('bot.json', JSON.stringify(botJson(wish)));
  put('main.py', 'print(1)\n');
  const store = new MemoryStore();
  const told: string[] = [];
  const run = (owner = 'local', flags: Readonly<Record<string, string>> = {}) => {
    const { settings } = loadSettings({}, { bots, ...flags });
    return deploy({ folder, owner, settings, store, bucket: 'custom-bots' }, (sentence) => told.push(sentence));
  };
  return { root, folder, bots, put, store, told, run };
}

test('a bot is packed, uploaded and made desired, and an agent runs what was in the folder', async (t) => {
  const { root, bots, put, store, run } = scene(t, { query: 'query.py' });
  put('query.py', 'q\n');
  put('vendor/.hidden/a.py', 'a\n');
  put('node_modules/x/index.js', 'x\n');
  put('.env', 'SECRET=1\n');
  put('run.log', 'noise\n');
  const deployed = await run();
  assert.deepEqual(deployed, {
    id: 'my-bot',
    version: '1.0.0',
    filePath: 'local/grid/1.0.0',
    uploaded: true,
    sizeBytes: store.objects.get('local/grid/1.0.0')?.bytes.length,
    files: 4,
    entry: join(bots, 'my-bot'),
  });
  const entry = readFileSync(join(bots, 'my-bot', 'bot.json'), 'utf8');
  assert.deepEqual(JSON.parse(entry).custom.note, 'kept');
  const { bot } = parseBotJson(entry, 'bot.json');
  assert.equal(bot?.filePath, 'local/grid/1.0.0');
  assert.deepEqual(bot?.config, { apiKey: 'very-secret' });
  assert.deepEqual(readdirSync(join(bots, 'my-bot')), ['bot.json']);

  const codePath = join(root, 'code');
  const limits = DEFAULT_AGENT_LIMITS;
  await fetchStoredCode({ store, buckets: DEFAULT_BUCKETS }, { key: deployed.filePath, codePath, limits });
  const { '.the0-code': _marker, ...files } = filesIn(codePath);
  assert.deepEqual(files, {
    'main.py': '644 print(1)\n',
    'node_modules/x/index.js': '644 x\n',
    'query.py': '644 q\n',
    'vendor/.hidden/a.py': '644 a\n',
  });
});

test('the entry has the mode of the bot.json it was made from', async (t) => {
  const { folder, bots, run } = scene(t);
  writeFileSync(join(folder, 'bot.json'), JSON.stringify(botJson({})), { mode: 0o600 });
  rmSync(join(folder, 'bot.json'));
  writeFileSync(join(folder, 'bot.json'), JSON.stringify(botJson({})), { mode: 0o600 });
  await run();
  assert.equal(statSync(join(bots, 'my-bot', 'bot.json')).mode & 0o777, 0o600);
});

test('the same code again is not uploaded twice', async (t) => {
  const { store, run } = scene(t);
  await run();
  store.calls.length = 0;
  assert.equal((await run()).uploaded, false);
  assert.deepEqual(store.calls, ['head local/grid/1.0.0']);
});

test('other code under the same version is refused, and nothing changes', async (t) => {
  const { put, bots, store, run } = scene(t);
  await run();
  const before = store.objects.get('local/grid/1.0.0')?.bytes;
  put('main.py', 'print(2)\n');
  await assert.rejects(run(), { code: 'deploy-refused', hint: /Raise custom\.version/ });
  assert.equal(store.objects.get('local/grid/1.0.0')?.bytes, before);
  assert.equal(readdirSync(bots).length, 1);
});

test('a new version takes the place of the old one in the same folder', async (t) => {
  const { put, bots, run } = scene(t);
  await run();
  put('bot.json', JSON.stringify(botJson({ version: '1.1.0' })));
  put('main.py', 'print(2)\n');
  const { filePath } = await run('alice');
  assert.equal(filePath, 'alice/grid/1.1.0');
  assert.deepEqual(readdirSync(bots), ['my-bot']);
  assert.equal(JSON.parse(readFileSync(join(bots, 'my-bot/bot.json'), 'utf8')).custom.filePath, 'alice/grid/1.1.0');
});

test('a bucket that is not there is made', async (t) => {
  const { store, run } = scene(t);
  store.buckets.clear();
  await run();
  assert.deepEqual([...store.buckets], ['custom-bots']);
});

for (const [what, wish, sentence] of [
  ['an unknown runtime', { runtime: 'cobol' }, /The runtime "cobol" is not one/],
  ['no entry point', { bot: '' }, /names no entry point/],
  ['an entry point that is not there', { bot: 'gone.py' }, /The entry point "gone\.py" is not in the bot's code/],
  ['a query entry point that is not there', { query: 'q.py' }, /The entry point "q\.py" is not in/],
  ['an id that is none', { id: 'a/b' }, /definition is not valid/],
  ['a name that cannot be in a key', { name: '../up' }, /custom\.config\.name "\.\.\/up" cannot be a part/],
  ['a version that cannot be in a key', { version: '1/2' }, /custom\.version "1\/2" cannot be a part/],
] as const) {
  test(`${what} is refused before anything is uploaded`, async (t) => {
    const { bots, store, run } = scene(t, wish);
    await assert.rejects(run(), { code: 'deploy-refused', message: sentence });
    assert.deepEqual([...store.objects], []);
    assert.deepEqual(readdirSync(bots), []);
  });
}

test('a bot.json that is no JSON is refused with line and column', async (t) => {
  const { put, run } = scene(t);
  put('bot.json', '{\n"id": }');
  await assert.rejects(run(), { message: /source\/bot\.json.*line 2, column 7/ });
});

test('a link to a folder is refused, one to a file is followed', async (t) => {
  const { folder, put, store, run } = scene(t);
  put('lib/a.py', 'a\n');
  symlinkSync('main.py', join(folder, 'other.py'));
  assert.equal((await run()).files, 3);
  store.objects.clear();
  symlinkSync('lib', join(folder, 'lib2'));
  await assert.rejects(run(), { message: /lib2 is a link to a folder/ });
});

test('a link out of the folder is refused', async (t) => {
  const { folder, run } = scene(t);
  symlinkSync('/etc/hostname', join(folder, 'host'));
  await assert.rejects(run(), { message: /leads out of the bot's folder/ });
});

test('a bot that runs from files in the folder of bots is left alone', async (t) => {
  const { bots, store, run } = scene(t);
  mkdirSync(join(bots, 'by-hand'));
  writeFileSync(join(bots, 'by-hand/bot.json'), JSON.stringify(botJson({})));
  writeFileSync(join(bots, 'by-hand/main.py'), 'print(0)\n');
  await assert.rejects(run(), { message: /by-hand has the files of bot my-bot/ });
  assert.deepEqual([...store.objects], []);
});

test('an upload that fails leaves no entry', async (t) => {
  const { bots, store, run } = scene(t);
  store.troubles.push('denied');
  await assert.rejects(run(), { trouble: 'denied' });
  assert.deepEqual(readdirSync(bots), []);
});

for (const [what, flags, sentence] of [
  ['more files', { 'code-files': '3' }, /more than 3 files/],
  ['more bytes', { 'code-size': '1KiB' }, /is there data among the code/],
  ['a larger file', { 'agent-code-file': '1KiB' }, /"data\/a\.bin".* has 1500 bytes, more than 1024/],
  ['a larger bot.json', { 'bot-json-size': '1KiB' }, /bot\.json is larger than 1024 bytes/],
] as const) {
  test(`${what} than the limits allow are refused before anything is uploaded`, async (t) => {
    const { bots, put, store, run } = scene(t);
    put('data/a.bin', 'a'.repeat(1_500));
    put('data/b.bin', 'b');
    if ('bot-json-size' in flags) put('bot.json', JSON.stringify({ ...botJson({}), note: 'n'.repeat(2_000) }));
    await assert.rejects(run('local', flags), { code: 'deploy-refused', message: sentence });
    assert.deepEqual([...store.objects], []);
    assert.deepEqual(readdirSync(bots), []);
    await run();
  });
}

test('code that an agent would take for a bomb is refused before it is uploaded', async (t) => {
  const { put, store, run } = scene(t);
  put('zeros.bin', '\0'.repeat(20 * 1024 * 1024));
  await assert.rejects(run(), { code: 'deploy-refused', message: /more than 200 times/, hint: /--agent-code-ratio/ });
  assert.deepEqual([...store.objects], []);
  await run('local', { 'agent-code-ratio': '10000' });
});

test('it is told how far packing and uploading are, up to the end', async (t) => {
  const { put, told, run } = scene(t);
  put('data.bin', randomBytes(1_000_000).toString('latin1'));
  await run();
  const steps = told.map((sentence) => /^(packing|uploading) \d+(?:B|KiB|MiB): (\d+) %$/.exec(sentence)?.slice(1));
  for (const step of ['packing', 'uploading']) {
    const shares = steps.flatMap((found) => (found?.[0] === step ? [Number(found[1])] : []));
    assert.ok(shares.length > 5, `${step}: ${told.join('; ')}`);
    assert.equal(shares.at(-1), 100);
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => a - b),
    );
  }
  assert.equal(steps.indexOf(undefined), -1, told.join('; '));
});

test('a folder of bots that is not there is named with its setting, before anything is uploaded', async (t) => {
  const { root, store, run } = scene(t);
  await assert.rejects(run('local', { bots: join(root, 'nowhere') }), {
    message: /nowhere, is not there/,
    hint: /Make it, .*--bots \(THE0_BOTS\)/,
  });
  assert.deepEqual([...store.objects], []);
});

test('without a store the command says what is missing', async (t) => {
  const { folder } = scene(t);
  const { code, stdout, stderr } = await runCli(['deploy', folder]);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /no object store is configured.*\nSet MINIO_ENDPOINT/);
});

test('a store that cannot be reached is said, without credentials', async (t) => {
  const { folder, bots } = scene(t);
  const { code, stdout, stderr } = await runCli(['deploy', folder, '--bots', bots, '--minio-endpoint', '127.0.0.1:1'], {
    env: { MINIO_ACCESS_KEY: 'the-access-key', MINIO_SECRET_KEY: 'the-secret-key' },
  });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(
    stderr,
    /^error: the object store 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED.*\nStart it, .* MINIO_ENDPOINT/,
  );
  assert.doesNotMatch(stderr, /the-access-key|the-secret-key/);
  assert.deepEqual(readdirSync(bots), []);
});
