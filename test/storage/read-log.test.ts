import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, StoreError } from '../../src/storage/object-store.ts';
import { type ReadLogOptions, readStoredLog } from '../../src/storage/read-log.ts';
import { eventually } from '../admin/admin-fixture.ts';
import { MemoryObjectStore } from './memory-object-store.ts';

const BUCKET = 'bot-logs';
const plain = (message: string) => `${JSON.stringify({ timestamp: '2026-04-01T10:00:00Z', message })}\n`;

async function logOf(days: Readonly<Record<string, string>>) {
  const store = new MemoryObjectStore();
  await store.createBucket(BUCKET);
  const put = (day: string, text: string) =>
    store.write({ bucket: BUCKET, key: `logs/grid/${day}.log` }, bodyOf(Buffer.from(text)), {
      condition: null,
      contentType: 'text/plain',
    });
  for (const [day, text] of Object.entries(days)) await put(day, text);
  const options: ReadLogOptions = {
    store,
    bucket: BUCKET,
    botId: 'grid',
    lines: Number.POSITIVE_INFINITY,
    follow: false,
    pollMs: 5,
    nextDayMs: 15_000,
    searchBytes: 64 * 1024 * 1024,
    retry: { attempts: 3, firstPauseMs: 1, longestPauseMs: 2, random: Math.random },
    signal: new AbortController().signal,
  };
  const read = async (changes: Partial<ReadLogOptions> = {}) => {
    let text = '';
    for await (const chunk of readStoredLog({ ...options, ...changes })) text += chunk.toString('utf8');
    return text;
  };
  return { store, put, options, read };
}

test('lines come as the bot wrote them: plain text without what storing it added, JSON as it is stored', async () => {
  const own = '{"timestamp":"t","level":"info","message":"mine"}';
  const odd = ['{"timestamp":"t","message":7}', '{"timestamp":', 'no JSON at all'];
  const { read } = await logOf({ 20260401: `${plain('  indented <ü>')}${own}\n${odd.join('\n')}\n` });
  assert.equal(await read(), `  indented <ü>\n${own}\n${odd.join('\n')}\n`);
});

test('the last lines are found over days and over the pieces they are looked for in', async () => {
  const many = Array.from({ length: 20_000 }, (_, line) => `line ${line} of a day that is long`);
  const { read } = await logOf({
    20260330: plain('the oldest'),
    20260331: many.map(plain).join(''),
    20260401: `${plain('today 1')}${plain('today 2')}`,
  });
  assert.equal(await read({ lines: 0 }), '');
  assert.equal(await read({ lines: 1 }), 'today 2\n');
  assert.equal(await read({ lines: 2 }), 'today 1\ntoday 2\n');
  assert.equal(await read({ lines: 3 }), `${many.at(-1)}\ntoday 1\ntoday 2\n`);
  assert.equal(await read({ lines: 12_002 }), `${many.slice(-12_000).join('\n')}\ntoday 1\ntoday 2\n`);
  const all = `the oldest\n${many.join('\n')}\ntoday 1\ntoday 2\n`;
  assert.equal(await read({ lines: 20_003 }), all);
  assert.equal(await read({ lines: 99_999 }), all);
  assert.equal(await read(), all);
});

test('the search for them ends after so many bytes', async () => {
  const { read, store } = await logOf({ 20260331: plain('old'), 20260401: plain('a line').repeat(20_000) });
  const text = await read({ lines: 19_000, searchBytes: 1 });
  assert.ok(text.split('\n').length < 10_000);
  assert.ok(store.traffic.bytesDown < 1_000_000);
});

test('a bot that has stored nothing has an empty log, with or without a bucket', async () => {
  const { read } = await logOf({});
  assert.equal(await read(), '');
  assert.equal(await read({ bucket: 'none' }), '');
});

test('other objects beside the days are left alone', async () => {
  const { read, store } = await logOf({ 20260401: plain('a line') });
  const key = 'logs/grid/.tmp-177';
  await store.write({ bucket: BUCKET, key }, bodyOf(Buffer.from('chunk')), {
    condition: null,
    contentType: 'text/plain',
  });
  assert.equal(await read(), 'a line\n');
});

test('what is stored later is followed, also from nothing, until the reader leaves', async () => {
  const { options, put } = await logOf({});
  const leave = new AbortController();
  let text = '';
  const following = (async () => {
    for await (const chunk of readStoredLog({ ...options, follow: true, signal: leave.signal })) text += chunk;
  })();
  await put('20260401', plain('one'));
  await eventually('the first line', () => text === 'one\n');
  await put('20260401', plain('one') + plain('two'));
  await eventually('the second', () => text === 'one\ntwo\n');
  // It was deleted, and begins anew.
  await put('20260401', plain('3'));
  await eventually('the third', () => text === 'one\ntwo\n3\n');
  leave.abort();
  await following;
});

test('a store that fails is told', async () => {
  const { read, store } = await logOf({ 20260401: plain('a line') });
  store.before = () => {
    throw new StoreError('denied', 'not for you');
  };
  await assert.rejects(read(), StoreError);
});

test('another day is followed as well, after the end of the one before', async () => {
  const { options, put } = await logOf({ 20260401: plain('one') });
  const leave = new AbortController();
  let text = '';
  const following = (async () => {
    const days = { ...options, nextDayMs: 20, follow: true, signal: leave.signal };
    for await (const chunk of readStoredLog(days)) text += chunk;
  })();
  await eventually('the first line', () => text === 'one\n');
  await put('20260401', plain('one') + plain('last'));
  await put('20260402', plain('first'));
  await eventually('the next day', () => text === 'one\nlast\nfirst\n');
  leave.abort();
  await following;
});

test('a store that is busy now and then ends neither what is read nor what is followed, and no line comes twice', async () => {
  const { options, put, store } = await logOf({ 20260401: plain('one') });
  let calls = 0;
  store.before = () => {
    calls += 1;
    if (calls % 2 === 1) throw new StoreError('busy', 'not now');
  };
  const leave = new AbortController();
  let text = '';
  const following = (async () => {
    for await (const chunk of readStoredLog({ ...options, follow: true, signal: leave.signal })) text += chunk;
  })();
  await eventually('the first line', () => text === 'one\n');
  store.before = () => {};
  await put('20260401', plain('one') + plain('two'));
  store.before = () => {
    calls += 1;
    if (calls % 2 === 1) throw new StoreError('unreachable', 'not now');
  };
  await eventually('the second', () => text === 'one\ntwo\n');
  leave.abort();
  await following;
});

test('a reader that leaves while the store is tried again is told of nothing', async () => {
  const { options, store } = await logOf({ 20260401: plain('one') });
  const leave = new AbortController();
  store.before = () => {
    leave.abort();
    throw new StoreError('busy', 'not now');
  };
  for await (const _chunk of readStoredLog({ ...options, signal: leave.signal }))
    assert.fail('there is nothing to show');
  assert.equal(leave.signal.aborted, true);
});

test('what was shown of a part is not shown again when the store breaks off in the middle of it', async () => {
  const { options, put, store } = await logOf({ 20260401: plain('one') });
  const leave = new AbortController();
  let text = '';
  let breaks = 2;
  const read = store.read.bind(store);
  store.read = async (place, range) => {
    const content = await read(place, range);
    if (content === null || breaks <= 0) return content;
    breaks -= 1;
    return {
      ...content,
      body: (async function* () {
        for await (const chunk of content.body) {
          yield chunk.subarray(0, 20);
          throw new StoreError('unreachable', 'broken off');
        }
      })(),
    };
  };
  const following = (async () => {
    for await (const chunk of readStoredLog({ ...options, lines: 0, follow: true, signal: leave.signal }))
      text += chunk;
  })();
  await put('20260401', plain('one') + plain('two') + plain('three'));
  await eventually('both', () => text === 'two\nthree\n');
  assert.equal(breaks, 0);
  leave.abort();
  await following;
});

test('a store that stays away ends what is followed, with its error', async () => {
  const { read, store } = await logOf({ 20260401: plain('a line') });
  store.before = () => {
    throw new StoreError('unreachable', 'gone');
  };
  await assert.rejects(read({ follow: true }), /gone/);
});
