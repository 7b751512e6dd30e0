import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { LogSync } from '../../src/agent/logs/log-sync.ts';
import { localDay } from '../../src/agent/logs/stored-line.ts';
import type { Part } from '../parts.ts';
import { atMost, type Row } from '../report.ts';
import { LedgerStore } from './ledger-store.ts';
import { keyOfLog } from './scene.ts';

const SECOND_MS = 1_000;
const MIDNIGHT = new Date(2026, 0, 1);
/** Stored, with its timestamp, about 104 bytes: 0.9 GB in a day at 100 lines a second. */
const LINE = `${'INFO price and volume of a pair, bid and ask '.padEnd(59, 'x')}\n`;

interface Day {
  readonly storedBytes: number;
  readonly movedBytes: number;
  /** Age of the newest stored line, at its worst. */
  readonly worstAgeMs: number;
  readonly appends: number;
  readonly hours: number;
}

/** How old the stored log gets and what is moved for it, over a whole day. */
export const virtualDays: Part = async (short) => {
  const hours = short ? 3 : 24;
  const quiet = await dayOf(1, hours);
  const busy = await dayOf(100, hours);
  const budget = DEFAULT_AGENT_LIMITS.logStoreBytesPerSecond;
  return {
    rows: [
      atMost(`${hours} h of 1 line/s: oldest the stored log gets`, quiet.worstAgeMs / SECOND_MS, 10, 's'),
      atMost(`${hours} h of 100 lines/s: oldest the stored log gets`, busy.worstAgeMs / SECOND_MS, 600, 's'),
      moved(`${hours} h of 100 lines/s: bytes moved, of the budget`, busy, budget),
      moved(`${hours} h of 1 line/s: bytes moved, of the budget`, quiet, budget),
    ],
    notes: [
      [quiet, busy].map((day, index) => `${[1, 100][index]} lines/s: ${told(day)}`).join('; '),
      `The budget lets a log grow to ${gb((budget * DEFAULT_AGENT_LIMITS.logFlushCapMs) / SECOND_MS)} GB in a day until it is stored every ${DEFAULT_AGENT_LIMITS.logFlushCapMs / 60_000} minutes; beyond that the age stays and the budget is exceeded.`,
    ],
  };
};

function moved(what: string, { movedBytes, hours }: Day, budget: number): Row {
  return atMost(what, Math.round(movedBytes / (hours * 3600)), budget, 'bytes/s');
}

async function dayOf(linesPerSecond: number, hours: number): Promise<Day> {
  const directory = mkdtempSync(join(tmpdir(), 'the0-bench-day-'));
  const path = join(directory, 'logs', 'bot.log');
  mkdirSync(dirname(path));
  writeFileSync(path, '');
  const store = new LedgerStore();
  const key = keyOfLog('day', localDay(MIDNIGHT));
  let nowMs = 0;
  let due = { atMs: Number.POSITIVE_INFINITY, task: () => {} };
  let planned = Promise.withResolvers<void>();
  const sync = new LogSync({
    store,
    bucket: 'bot-logs',
    botId: 'day',
    path,
    limits: DEFAULT_AGENT_LIMITS,
    clock: {
      now: () => new Date(MIDNIGHT.getTime() + nowMs),
      monotonicMs: () => nowMs,
      schedule: (task, afterMs) => {
        due = { atMs: nowMs + afterMs, task };
        planned.resolve();
        return () => {};
      },
    },
    onTrouble: (message) => {
      throw new Error(message ?? 'trouble is over');
    },
    onDropped: (lines) => {
      throw new Error(`${lines} lines dropped`);
    },
  });
  let [worstAgeMs, newestMs, appends, size, localBytes] = [0, 0, 0, 0, 0];
  const second = Buffer.from(LINE.repeat(linesPerSecond));
  try {
    sync.start();
    for (nowMs = SECOND_MS; nowMs < hours * 3_600 * SECOND_MS; nowMs += SECOND_MS) {
      // As the agent rotates it.
      if (localBytes + second.length > DEFAULT_AGENT_LIMITS.logFileBytes) {
        renameSync(path, `${path}.1`);
        localBytes = 0;
      }
      appendFileSync(path, second);
      localBytes += second.length;
      worstAgeMs = Math.max(worstAgeMs, nowMs - newestMs);
      if (due.atMs > nowMs) continue;
      planned = Promise.withResolvers();
      due.task();
      await planned.promise;
      const grown = store.sizeOf(key);
      if (grown === size) continue;
      size = grown;
      appends += 1;
      newestMs = nowMs;
    }
    await sync.finish(60_000);
    if (statSync(path).size > 0 && store.sizeOf(key) < hours * 3_600 * linesPerSecond * LINE.length * 0.99) {
      throw new Error('not every line was stored');
    }
    const movedBytes = store.uploadedBytes + store.copiedBytes;
    return { storedBytes: store.sizeOf(key), movedBytes, worstAgeMs, appends, hours };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function told({ storedBytes, movedBytes, worstAgeMs, appends }: Day): string {
  return `${gb(storedBytes)} GB stored by ${appends} appends that moved ${gb(movedBytes)} GB, at most ${worstAgeMs / SECOND_MS} s old`;
}

function gb(bytes: number): string {
  return (bytes / 1e9).toPrecision(3);
}
