import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { LogSync } from '../../src/agent/logs/log-sync.ts';
import { localDay } from '../../src/agent/logs/stored-line.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import type { Part } from '../parts.ts';
import { atMost, exactly } from '../report.ts';
import { CountingProxy } from './counting-proxy.ts';
import { keyOfLog, type LogScene, withLogScene } from './scene.ts';

const MB = 1_000_000;
const APPENDS = 5;
const LINES = 100;
const LINE = `${'2026-01-01T00:00:00Z INFO price and volume of a pair, '.padEnd(99, 'x')}\n`;
/** Midday: an append is never near midnight. */
const NOW = new Date(2026, 0, 1, 12);

interface Cost {
  readonly requests: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** What the log grew by. */
  readonly grownBytes: number;
}

/** Requests and bytes of one append, by the size of the log. */
export const appendCost: Part = (short) =>
  withLogScene(async (scene) => {
    const small = await costOf(scene, 4);
    const middle = await costOf(scene, 6);
    const largeMb = short ? 60 : 500;
    const large = await costOf(scene, largeMb);
    const ratio = large.bytesUp / middle.bytesUp;
    return {
      rows: [
        exactly(`requests of one append, log of ${largeMb} MB, beside 6 MB`, large.requests, middle.requests, ''),
        {
          what: `bytes sent by one append, log of ${largeMb} MB, beside 6 MB`,
          figure: large.bytesUp,
          floor: middle.bytesUp,
          unit: 'bytes',
          ratio,
          bar: '0.90 to 1.10',
          pass: ratio >= 0.9 && ratio <= 1.1,
        },
        {
          ...atMost('bytes sent by one append, log of 4 MB, over log and chunk', small.bytesUp, 0, 'bytes'),
          floor: 4 * MB + small.grownBytes,
          ratio: small.bytesUp / (4 * MB + small.grownBytes),
          // The heads of the requests, and what the appends before have made it grow.
          bar: '<= 1.02',
          pass: small.bytesUp / (4 * MB + small.grownBytes) <= 1.02,
        },
      ],
      notes: [
        `One append of ${LINES} lines (mean of ${APPENDS}): ${[small, middle, large]
          .map((cost, index) => {
            const mb = [4, 6, largeMb][index];
            return `${mb} MB: ${cost.requests} requests, ${cost.bytesUp} bytes up, ${cost.bytesDown} down`;
          })
          .join('; ')}`,
      ],
    };
  });

async function costOf({ minio, store, directory }: LogScene, sizeMb: number): Promise<Cost> {
  const botId = `log-${sizeMb}`;
  const place = { bucket: DEFAULT_BUCKETS.logs, key: keyOfLog(botId, localDay(NOW)) };
  const block = Buffer.from(`${JSON.stringify({ timestamp: '2026-01-01T00:00:00Z', message: 'm' }).padEnd(999)}\n`);
  const body = {
    size: sizeMb * MB,
    *read() {
      const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => block));
      for (let sent = 0; sent < sizeMb; sent += 1) yield thousand;
    },
  };
  await store.write(place, body, { condition: null, contentType: 'text/plain' });

  const proxy = await CountingProxy.start(minio.access.endpoint);
  const counted = openS3Store({ ...minio.access, endpoint: proxy.endpoint });
  try {
    const path = join(directory, botId, 'bot.log');
    mkdirSync(join(directory, botId));
    writeFileSync(path, LINE.repeat(LINES));
    let next = () => {};
    let planned = Promise.withResolvers<void>();
    const sync = new LogSync({
      store: counted,
      bucket: place.bucket,
      botId,
      path,
      limits: DEFAULT_AGENT_LIMITS,
      clock: {
        now: () => NOW,
        schedule: (task) => {
          next = task;
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
    const append = async () => {
      planned = Promise.withResolvers();
      next();
      await planned.promise;
    };
    sync.start();
    // The first also looks what is there.
    await append();
    const before = (await store.head(place))?.size ?? 0;
    proxy.take();
    for (let index = 0; index < APPENDS; index += 1) {
      appendFileSync(path, LINE.repeat(LINES));
      await append();
    }
    const cost = proxy.take();
    const after = (await store.head(place))?.size ?? 0;
    await sync.finish(10_000);
    if (after - before < APPENDS * LINES * LINE.length) throw new Error('not every line was stored');
    return {
      requests: cost.requests / APPENDS,
      bytesUp: Math.round(cost.bytesUp / APPENDS),
      bytesDown: Math.round(cost.bytesDown / APPENDS),
      grownBytes: Math.round((after - before) / APPENDS),
    };
  } finally {
    counted.close();
    proxy.stop();
  }
}
