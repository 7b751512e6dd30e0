import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { RecordEffect } from '../../actors/effect.ts';
import type { ReasonCode } from '../../actors/reason.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Journal, type JournalOptions } from '../../src/supervisor/journal.ts';

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

test('a line of a newer format is left alone', async () => {
  const journal = await openJournal();
  journal.append(crash('a', 1));
  await journal.close();
  const [segment = ''] = await readdir(directory);
  await appendFile(join(directory, segment), `${JSON.stringify({ v: 2, bot: 'a', memory: crash('a', 9).memory })}\n`);
  const next = await openJournal();
  assert.equal(next.memoryOf('a')?.attempt, 1);
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
  await import('node:fs/promises').then(({ mkdir }) => mkdir(directory));
  for (let i = 0; i < 200 && journal.trouble !== null; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(journal.trouble, null);
  await journal.close();
  const next = await openJournal();
  assert.equal(next.memoryOf('a')?.attempt, 2);
  await next.close();
});
