import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { LogSync } from '../../src/agent/logs/log-sync.ts';
import { localDay } from '../../src/agent/logs/stored-line.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import type { Part } from '../parts.ts';
import { atMost } from '../report.ts';
import { keyOfLog, withLogScene } from './scene.ts';

const BOT = 'fresh';
const EVERY_MS = 1_000;
const LOOK_MS = 100;

/** A line each second, and somebody who reads the stored log all the time. */
export const freshness: Part = (short) =>
  withLogScene(async ({ minio, store, directory }) => {
    const seconds = short ? 25 : 90;
    const path = join(directory, 'logs', 'bot.log');
    mkdirSync(join(directory, 'logs'));
    writeFileSync(path, '');
    const own = openS3Store(minio.access);
    const sync = new LogSync({
      store: own,
      bucket: DEFAULT_BUCKETS.logs,
      botId: BOT,
      path,
      limits: DEFAULT_AGENT_LIMITS,
      onTrouble: (message) => {
        throw new Error(message ?? 'trouble is over');
      },
      onDropped: (lines) => {
        throw new Error(`${lines} lines dropped`);
      },
    });
    sync.start();
    const beganMs = performance.now();
    const writer = setInterval(() => {
      appendFileSync(path, `${JSON.stringify({ timestamp: 'now', at: performance.now() })}\n`);
    }, EVERY_MS);
    let worstAgeMs = 0;
    try {
      while (performance.now() - beganMs < seconds * 1_000) {
        await sleep(LOOK_MS);
        const newestMs = (await newestLine()) ?? beganMs;
        worstAgeMs = Math.max(worstAgeMs, performance.now() - newestMs);
      }
    } finally {
      clearInterval(writer);
      await sync.finish(10_000);
      own.close();
    }
    return {
      rows: [atMost(`1 line/s for ${seconds} s on MinIO: oldest the stored log gets`, worstAgeMs / 1_000, 10, 's')],
      notes: [],
    };

    async function newestLine(): Promise<number | null> {
      const place = { bucket: DEFAULT_BUCKETS.logs, key: keyOfLog(BOT, localDay(new Date())) };
      const content = await store.read(place);
      if (content === null) return null;
      const chunks: Buffer[] = [];
      for await (const chunk of content.body) chunks.push(chunk);
      const last: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8').trimEnd().split('\n').at(-1) ?? '');
      const isLine = typeof last === 'object' && last !== null && 'at' in last && typeof last.at === 'number';
      if (!isLine) throw new Error('the stored log has a line that nobody wrote');
      return Number(last.at);
    }
  });
