/**
 * The syncing side of the benchmarks of the state: one process, told by lines of JSON on stdin what to do, which answers with
 * what it cost. It loads what an agent loads.
 */
import { channel } from 'node:diagnostics_channel';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { DEFAULT_STATE_LIMITS } from '../../src/agent/state/state-limits.ts';
import { StateSync } from '../../src/agent/state/state-sync.ts';
import { bodyOf, type ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import type { Answer, Request, Setup } from './protocol.ts';

const sockets = new Set<Socket>();
channel('net.client.socket').subscribe((message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return;
  if (message.socket instanceof Socket) sockets.add(message.socket);
});

const setup: Setup = JSON.parse(process.argv[2] ?? '');
const moved = { copied: 0 };
const store = counted(openS3Store(setup.access));
const syncs = new Map<string, StateSync>();
let listed: readonly string[] = [];

createInterface({ input: process.stdin }).on('line', (line) => void answer(JSON.parse(line)));
process.stdout.write('{"ready":true}\n');

async function answer(request: Request): Promise<void> {
  const sentBefore = bytesSent();
  const copiedBefore = moved.copied;
  const cpuBefore = process.cpuUsage();
  const from = performance.now();
  let said = '';
  try {
    said = await work(request);
  } catch (error) {
    said = `failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const done: Answer = {
    said,
    ms: performance.now() - from,
    cpuMs: (user + system) / 1000,
    sentBytes: bytesSent() - sentBefore,
    copiedBytes: moved.copied - copiedBefore,
  };
  process.stdout.write(`${JSON.stringify(done)}\n`);
}

async function work(request: Request): Promise<string> {
  switch (request.do) {
    case 'sync':
      return (await syncOf(request.bot, request.directory).sync(request.only === null ? null : new Set(request.only)))
        .kind;
    case 'restore':
      return (await syncOf(request.bot, request.directory).restore()).kind;
    case 'upload-all':
      return await uploadAll(request.directory);
    case 'list':
      listed = namesBelow(request.directory);
      return `${listed.length}`;
    case 'lstat':
      for (const path of listed) lstatSync(path);
      return `${listed.length}`;
    case 'forget':
      syncs.delete(request.bot);
      return 'forgotten';
    case 'sync-many':
      await syncMany(request.directory, request.bots, request.seconds, request.everySeconds);
      return 'done';
  }
}

function syncOf(bot: string, directory: string): StateSync {
  const known = syncs.get(bot);
  if (known !== undefined) return known;
  const made = new StateSync({
    store,
    place: { bucket: 'bot-state', key: `${bot}/state.tar.gz` },
    epoch: 1,
    writer: `w${process.pid}x${syncs.size}`,
    directory,
    spoolDirectory: setup.spoolDirectory,
    limits: { ...DEFAULT_STATE_LIMITS, fileBytes: 2 ** 32 },
    fencing: true,
    pids: () => [],
    onNotice: ({ message }) => process.stderr.write(`${message}\n`),
    now: Date.now,
  });
  syncs.set(bot, made);
  return made;
}

/** What is done without any of it: hash all, compress all, send all. */
async function uploadAll(directory: string): Promise<string> {
  const [{ createHash }, { gzipSync }] = await Promise.all([import('node:crypto'), import('node:zlib')]);
  const members: Buffer[] = [];
  const digests = new Set<string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const content = readFileSync(join(entry.parentPath, entry.name));
    digests.add(createHash('sha256').update(content).digest('base64'));
    members.push(gzipSync(content, { level: 1 }));
  }
  const place = { bucket: 'bot-state', key: 'all-at-once/state.tar.gz' };
  return await store.write(place, bodyOf(Buffer.concat(members)), { condition: null, contentType: 'application/gzip' });
}

/** Every file and directory. */
function namesBelow(directory: string): string[] {
  const found: string[] = [];
  const left = [directory];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const name of readdirSync(next)) {
      const path = `${next}/${name}`;
      found.push(path);
      if (lstatSync(path).isDirectory()) left.push(path);
    }
  }
  return found;
}

/** Each bot syncs on its own beat, spread over it; whatever changes is the other side's doing. */
async function syncMany(parent: string, bots: number, seconds: number, everySeconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const running: Promise<void>[] = [];
  for (let bot = 0; bot < bots; bot++) {
    running.push(
      beat(`bot-${bot}`, `${parent}/bot-${bot}`, (bot / bots) * everySeconds * 1000, everySeconds * 1000, end),
    );
  }
  await Promise.all(running);
}

async function beat(bot: string, directory: string, firstMs: number, everyMs: number, end: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, firstMs));
  for (let at = performance.now(); at < end; at += everyMs) {
    // As a watch would tell it.
    await syncOf(bot, directory).sync(new Set(['']));
    const pauseMs = Math.max(0, at + everyMs - performance.now());
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function bytesSent(): number {
  let sum = 0;
  for (const socket of sockets) sum += socket.bytesWritten;
  return sum;
}

function counted(inner: ObjectStore): ObjectStore {
  return new Proxy(inner, {
    get(target, property) {
      if (property !== 'rewrite') {
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      const rewrite: ObjectStore['rewrite'] = (place, etag, pieces, options) => {
        for (const piece of pieces) if (piece.kind === 'kept') moved.copied += piece.range.to - piece.range.from;
        return target.rewrite(place, etag, pieces, options);
      };
      return rewrite;
    },
  });
}
