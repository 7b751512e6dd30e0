import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { RecordEffect } from '../../actors/effect.ts';
import type { ReasonCode } from '../../actors/reason.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Journal, type JournalOptions } from '../../src/supervisor/journal.ts';
import { JournalUnreadable } from '../../src/supervisor/journal-error.ts';
import { linesOfSegment } from '../../src/supervisor/journal-segments.ts';

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'the0-journal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function openJournal(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = new Journal({
    directory,
    clock: systemClock,
    segmentBytes: 1024 * 1024,
    segments: 3,
    pendingLines: 1000,
    retryMs: 10,
    ...options,
  });
  await journal.open();
  return journal;
}

function crash(botId: string, attempt: number, code: ReasonCode = 'bot-crashed'): RecordEffect {
  const reason = { code, facts: { exitCode: 3 }, at: 1000 + attempt, incarnation: attempt, specRevision: 'r1' };
  const memory = { incarnation: attempt, attempt, restarts: attempt, backoffUntil: 5000 + attempt, reason };
  return { kind: 'record', botId, from: 'running', to: 'backing-off', reason, memory };
}

test('what a bot must remember is there after the runtime was started again', async () => {
  const first = await openJournal();
  first.append(crash('a', 1));
  first.append(crash('b', 1));
  first.append(crash('a', 2));
  await first.close();
  const second = await openJournal();
  assert.deepEqual(second.memoryOf('a'), crash('a', 2).memory);
  assert.deepEqual(second.memoryOf('b'), crash('b', 1).memory);
  await second.close();
});

test('what was appended survives a runtime that never closed the journal', async () => {
  const killed = await openJournal();
  killed.append(crash('a', 1));
  await killed.flush();
  const next = await openJournal();
  assert.equal(next.memoryOf('a')?.attempt, 1);
  await next.close();
  await killed.close();
});

test('a timeline holds the newest transitions of one bot, oldest first, across segments', async () => {
  const journal = await openJournal({ segmentBytes: 300, segments: 100 });
  for (let i = 1; i <= 20; i++) {
    journal.append(crash('a', i));
    journal.append(crash('b', i));
    await journal.flush();
  }
  const timeline = await journal.timeline('a', 5);
  assert.deepEqual(
    timeline.map(({ reason }) => reason.incarnation),
    [16, 17, 18, 19, 20],
  );
  await journal.close();
});

test('old segments are deleted, and memory outlives them', async () => {
  const journal = await openJournal({ segmentBytes: 200, segments: 2 });
  journal.append(crash('quiet', 7));
  for (let i = 1; i <= 20; i++) {
    journal.append(crash('busy', i));
    await journal.flush();
  }
  await journal.close();
  assert.ok((await readdir(directory)).length <= 2);
  const next = await openJournal();
  assert.equal(next.memoryOf('quiet')?.attempt, 7);
  await next.close();
});

test('a line cut by a crash costs that line only', async () => {
  const journal = await openJournal();
  journal.append(crash('a', 1));
  await journal.close();
  const [segment = ''] = await readdir(directory);
  await appendFile(join(directory, segment), '{"v":1,"bot":"a","memory":{"incarn');
  const next = await openJournal();
  assert.equal(next.memoryOf('a')?.attempt, 1);
  await next.close();
});

test('a line of a newer format is left alone, and that is said', async () => {
  const journal = await openJournal();
  journal.append(crash('a', 1));
  await journal.close();
  const [segment = ''] = await readdir(directory);
  await appendFile(join(directory, segment), `${JSON.stringify({ v: 2, bot: 'a', memory: crash('a', 9).memory })}\n`);
  const next = await openJournal();
  assert.equal(next.memoryOf('a')?.attempt, 1);
  assert.match(next.trouble ?? '', /newer version of the runtime wrote/);
  assert.ok(next.trouble?.includes(directory));
  await next.close();
});

test('junk is no newer format', async () => {
  const journal = await openJournal();
  journal.append(crash('a', 1));
  await journal.close();
  const [segment = ''] = await readdir(directory);
  await appendFile(join(directory, segment), '{"v":1}\n{"v":"2"}\n[2]\n{"v":2');
  const next = await openJournal();
  assert.equal(next.trouble, null);
  await next.close();
});

test('history of a newer format that somebody asks for is said to be missing', async () => {
  const journal = await openJournal({ segmentBytes: 200, segments: 4 });
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    journal.append(crash('a', attempt));
    await journal.flush();
  }
  await journal.close();
  const [oldest = ''] = (await readdir(directory)).sort();
  await appendFile(join(directory, oldest), `${JSON.stringify({ v: 2, bot: 'a', memory: {} })}\n`);
  const next = await openJournal({ segmentBytes: 200, segments: 4 });
  assert.equal(next.trouble, null);
  await next.timeline('a', 50);
  assert.match(next.trouble ?? '', /`why` shows less/);
  await next.close();
});

test('a forgotten bot has no memory after a restart', async () => {
  const journal = await openJournal();
  journal.append(crash('a', 1));
  journal.forget('a');
  await journal.close();
  const next = await openJournal();
  assert.equal(next.memoryOf('a'), undefined);
  await next.close();
});

test('a full disk is told and healed: nothing throws, and writing goes on when there is room', async () => {
  const journal = await openJournal({ segmentBytes: 1 });
  journal.append(crash('a', 1));
  await journal.flush();
  await rm(directory, { recursive: true });
  journal.append(crash('a', 2));
  await journal.flush();
  assert.match(journal.trouble ?? '', /journal .* cannot be written/);
  assert.equal(journal.memoryOf('a')?.attempt, 2, 'memory stays right while the disk is not');
  await mkdir(directory);
  for (let i = 0; i < 6_000 && journal.trouble !== null; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(journal.trouble, null);
  await journal.close();
  const next = await openJournal();
  assert.equal(next.memoryOf('a')?.attempt, 2);
  await next.close();
});

/** What a line holds for a crash of `botId`, to be changed by the test. */
function lineOf(botId: string, attempt: number) {
  const { from, to, reason, memory } = crash(botId, attempt);
  return { v: 1, bot: botId, memory, transition: { from, to, reason } };
}

test('a reason of another version costs neither the memory beside it nor the rest of the timeline', async () => {
  const first = await openJournal();
  first.append(crash('a', 1));
  await first.close();
  const [segment = ''] = await readdir(directory);
  const strange = lineOf('a', 2);
  const reason = { ...strange.memory.reason, code: 'from-the-future' };
  const line = { ...strange, memory: { ...strange.memory, reason }, transition: { ...strange.transition, reason } };
  await appendFile(join(directory, segment), `${JSON.stringify(line)}\n`);
  const journal = await openJournal();
  assert.deepEqual(journal.memoryOf('a'), { ...strange.memory, reason: null });
  journal.append(crash('a', 3));
  const timeline = await journal.timeline('a', 10);
  assert.deepEqual(
    timeline.map(({ reason: { incarnation } }) => incarnation),
    [1, 3],
  );
  await journal.close();
});

test('starting the runtime again and again pushes no history out', async () => {
  for (let i = 1; i <= 10; i++) {
    const journal = await openJournal({ segments: 2 });
    journal.append(crash('a', i));
    await journal.close();
  }
  const journal = await openJournal({ segments: 2 });
  assert.equal((await journal.timeline('a', 100)).length, 10);
  await journal.close();
});

test('after a cut line the next one is whole', async () => {
  const first = await openJournal();
  first.append(crash('a', 1));
  await first.close();
  const [segment = ''] = await readdir(directory);
  await appendFile(join(directory, segment), '{"v":1,"bot":"a","memory":{"incarn');
  const second = await openJournal();
  second.append(crash('a', 2));
  await second.close();
  const third = await openJournal();
  assert.equal(third.memoryOf('a')?.attempt, 2);
  await third.close();
});

test('a crash between two segments loses no memory', async () => {
  const journal = await openJournal({ segmentBytes: 1 });
  journal.append(crash('a', 1));
  journal.append(crash('b', 1));
  await journal.close();
  // The new segment had not got its name yet, because not all memories were in it.
  await writeFile(join(directory, '000009.ndjson.new'), `${JSON.stringify(lineOf('a', 9))}\n`);
  const next = await openJournal({ segmentBytes: 1 });
  assert.equal(next.memoryOf('a')?.attempt, 1);
  assert.equal(next.memoryOf('b')?.attempt, 1);
  await next.close();
});

test('a segment that is deleted while a timeline is read is an empty one', async () => {
  for await (const lines of linesOfSegment(join(directory, '000001.ndjson'))) assert.fail(lines.join());
});

test('a timeline waits for what was appended before it, not for what comes all the time', async () => {
  let going = true;
  // During every write there is something new.
  const appendLater = async () => {
    for (let turn = 0; turn < 10; turn++) await null;
    if (going) journal.append(crash('busy', 1));
  };
  const journal = await openJournal({
    clock: { ...systemClock, defer: (callback) => systemClock.defer(() => void [callback(), appendLater()]) },
  });
  journal.append(crash('a', 1));
  assert.equal((await journal.timeline('a', 10)).length, 1);
  going = false;
  await journal.close();
});

test('other work goes on while a long history is read', async () => {
  const journal = await openJournal({ segmentBytes: 64 * 1024 ** 2, pendingLines: 100_000 });
  for (let i = 1; i <= 50_000; i++) journal.append(crash(`bot-${i % 100}`, i));
  await journal.flush();
  let turns = 0;
  const turn = () => {
    turns += 1;
    if (turns > 0) setImmediate(turn);
  };
  setImmediate(turn);
  assert.equal((await journal.timeline('bot-7', 200)).length, 200);
  const during = turns;
  turns = Number.NEGATIVE_INFINITY;
  assert.ok(during > 50, `the event loop turned ${during} times`);
  await journal.close();
});

test('what is no journal does no harm: junk, a line without end, an id inside another', async () => {
  const first = await openJournal();
  first.append(crash('a', 1));
  first.append(crash('a","bot":"b', 1));
  await first.close();
  const [segment = ''] = await readdir(directory);
  await appendFile(
    join(directory, segment),
    Buffer.concat([Buffer.alloc(1024 ** 2, 0xff), Buffer.from('\n{}\n[]\nnull\n')]),
  );
  await appendFile(join(directory, segment), `${JSON.stringify(lineOf('b', 4))}\n`);
  await writeFile(join(directory, 'notes.txt'), 'mine');
  const journal = await openJournal();
  assert.equal(journal.memoryOf('a')?.attempt, 1);
  assert.equal(journal.memoryOf('b')?.attempt, 4);
  assert.equal((await journal.timeline('b', 10)).length, 1);
  await journal.close();
});

test('a journal that cannot be read is an error that says where and what to do', async () => {
  await mkdir(join(directory, '000001.ndjson'));
  await assert.rejects(openJournal(), (error) => {
    assert.ok(error instanceof JournalUnreadable);
    assert.equal(error.code, 'journal-unreadable');
    assert.ok(error.message.includes(directory));
    assert.match(error.hint, /readable for this user/);
    return true;
  });
});

test('a journal that cannot be written at the start is told, and healed', async () => {
  const first = await openJournal();
  await first.close();
  await rm(join(directory, '000001.ndjson'));
  // In the way of the segment that is to be begun, whoever the user is.
  await mkdir(join(directory, '000001.ndjson.new'));
  const journal = await openJournal();
  assert.match(journal.trouble ?? '', /cannot be written/);
  journal.append(crash('a', 1));
  await rm(join(directory, '000001.ndjson.new'), { recursive: true });
  for (let i = 0; i < 6_000 && journal.trouble !== null; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(journal.trouble, null);
  assert.equal((await journal.timeline('a', 10)).length, 1);
  await journal.close();
});

test('history that cannot be written is told from memory meanwhile, behind what was written before', async () => {
  const journal = await openJournal({ segmentBytes: 1 });
  journal.append(crash('a', 1));
  await journal.flush();
  // In the way of the next segment, whoever the user is.
  await mkdir(join(directory, '000002.ndjson.new'));
  for (const attempt of [2, 3]) journal.append(crash('a', attempt));
  journal.append(crash('b', 1));
  await journal.flush();
  assert.match(journal.trouble ?? '', /cannot be written/);
  assert.equal((await journal.timeline('a', 10)).length, 3);
  assert.equal((await journal.timeline('a', 2)).length, 2);
  assert.equal((await journal.timeline('b', 10)).length, 1);
  await journal.close();
});

test('more than may wait for the disk is dropped, oldest first, and counted', async () => {
  const journal = await openJournal({ segmentBytes: 1, pendingLines: 10 });
  journal.append(crash('a', 1));
  await journal.flush();
  await rm(directory, { recursive: true });
  for (let i = 2; i <= 40; i++) journal.append(crash('a', i));
  await journal.flush();
  assert.match(journal.trouble ?? '', /29 entries are lost/);
  await mkdir(directory);
  await journal.close();
  const next = await openJournal();
  assert.deepEqual(
    (await next.timeline('a', 100)).map(({ reason }) => reason.incarnation),
    Array.from({ length: 10 }, (_, index) => 31 + index),
  );
  await next.close();
});

test('closing a journal that cannot be written ends', async () => {
  const journal = await openJournal({ segmentBytes: 1, retryMs: 60_000 });
  journal.append(crash('a', 1));
  await journal.flush();
  await rm(directory, { recursive: true });
  journal.append(crash('a', 2));
  await journal.close();
  assert.match(journal.trouble ?? '', /cannot be written/);
});
