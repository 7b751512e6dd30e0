import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import { LogSync } from '../../src/agent/logs/log-sync.ts';
import { localDay } from '../../src/agent/logs/stored-line.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { CountingProxy } from '../logs/counting-proxy.ts';
import { keyOfLog, type LogScene, withLogScene } from '../logs/scene.ts';
import type { Part } from '../parts.ts';
import { atMost, exactly } from '../report.ts';

const LINES_PER_SECOND = 5;
/** Some logs are so long already that pieces of them are copied in the store, which takes more requests. */
const LONG_BYTES = 6_000_000;
const LINE = `${'INFO price and volume of a pair, '.padEnd(99, 'x')}\n`;
const PATIENCE_MS = 30_000;

/** Many bots with a few lines a second each. The logs are stored by what each agent has for that, all in this process. */
export const logs: Part = (short) =>
  withLogScene(async (scene) => {
    const seconds = short ? 15 : 60;
    const fresh = await requestsOf(scene, short ? 20 : 200, seconds, 0);
    const long = await requestsOf(scene, short ? 5 : 20, seconds, LONG_BYTES);
    const what = (bots: number, of: string) =>
      `${LINES_PER_SECOND} lines/s of ${bots} bots${of}: requests, per bot and second`;
    return {
      rows: [
        atMost(what(fresh.bots, ''), fresh.perBotAndSecond, 1, '/s'),
        atMost(what(long.bots, ` with logs of ${LONG_BYTES / 1e6} MB`), long.perBotAndSecond, 1, '/s'),
        exactly('bytes of lines that were not stored', fresh.missing + long.missing, 0, 'bytes'),
      ],
      notes: [
        `Counted at a proxy before MinIO for ${seconds} s: ${fresh.requests} requests of ${fresh.bots} bots, ${long.requests} of ${long.bots}. The storing halves of agents run in one process here; live lines go over NATS and make no requests.`,
      ],
    };
  });

async function requestsOf(scene: LogScene, bots: number, seconds: number, beforeBytes: number) {
  const { minio, store, directory } = scene;
  const proxy = await CountingProxy.start(minio.access.endpoint);
  const counted = openS3Store({ ...minio.access, endpoint: proxy.endpoint });
  const ids = Array.from({ length: bots }, (_, nth) => `logs-${beforeBytes}-${nth}`);
  const paths = ids.map((id) => join(directory, id, 'bot.log'));
  const place = (id: string) => ({ bucket: DEFAULT_BUCKETS.logs, key: keyOfLog(id, localDay(new Date())) });
  const before = { size: beforeBytes, read: () => [Buffer.alloc(beforeBytes, '{}\n')] };
  const syncs: LogSync[] = [];
  let written = 0;
  const write = () => {
    for (const path of paths) appendFileSync(path, LINE);
    written += 1;
  };
  try {
    for (const [nth, id] of ids.entries()) {
      const path = paths[nth] ?? '';
      mkdirSync(join(directory, id));
      writeFileSync(path, '');
      if (beforeBytes > 0) await store.write(place(id), before, { condition: null, contentType: 'text/plain' });
      syncs.push(
        new LogSync({
          store: counted,
          bucket: DEFAULT_BUCKETS.logs,
          botId: id,
          path,
          limits: DEFAULT_AGENT_LIMITS,
          onTrouble,
          onDropped,
        }),
      );
    }
    proxy.take();
    // As agents are: none began together with another.
    for (const [nth, sync] of syncs.entries())
      setTimeout(() => sync.start(), (nth / bots) * DEFAULT_AGENT_LIMITS.logFlushMs);
    const begun = performance.now();
    while (performance.now() - begun < seconds * 1_000) {
      if (written < ((performance.now() - begun) / 1_000) * LINES_PER_SECOND) write();
      else await sleep(5);
      // Whoever is late with writing lets others have their turn all the same.
      await sleep(0);
    }
    const { requests } = proxy.take();
    const perBotAndSecond = requests / bots / ((performance.now() - begun) / 1_000);
    for (const sync of syncs) await sync.finish(PATIENCE_MS);
    let missing = 0;
    for (const id of ids) {
      const grown = ((await store.head(place(id)))?.size ?? 0) - beforeBytes;
      missing += Math.max(0, written * LINE.length - grown);
    }
    return { bots, requests, perBotAndSecond, missing };
  } finally {
    counted.close();
    proxy.stop();
  }
}

function onTrouble(message: string | null): never {
  throw new Error(message ?? 'trouble is over');
}

function onDropped(lines: number): never {
  throw new Error(`${lines} lines dropped`);
}
