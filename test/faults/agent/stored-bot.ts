import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_STATE_LIMITS } from '../../../src/agent/state/state-limits.ts';
import { extractArchive } from '../../../src/storage/archive/extract.ts';
import { stampOfMetadata } from '../../../src/storage/archive/stamp.ts';
import { bodyOf, DEFAULT_BUCKETS, type ObjectPlace, type ObjectStore } from '../../../src/storage/object-store.ts';
import { content } from '../../agent/state/state-fixture.ts';
import { extractWithTar, type Listed, listTree } from '../../storage/archive/other-readers.ts';
import type { Journal, Version } from './journal.ts';
import { piecesOf, versionsIn } from './stored-versions.ts';

/** What the store holds of one bot, seen past the proxy. */
export class StoredBot {
  readonly botId: string;
  readonly #store: ObjectStore;
  readonly #state: ObjectPlace;
  /** The stored log as it was seen last: it may only grow. */
  #log: Buffer = Buffer.alloc(0);
  #look: Promise<void> | null = null;
  /** What such looks have found wrong. */
  readonly #seen: string[] = [];

  constructor(store: ObjectStore, botId: string) {
    this.botId = botId;
    this.#store = store;
    this.#state = { bucket: DEFAULT_BUCKETS.state, key: `${botId}/state.tar.gz` };
  }

  /** The stored state as our reader and GNU tar extract it, who must agree; empty when there is none. */
  async tree(): Promise<Listed[]> {
    const archive = await this.archive();
    if (archive === null) return [];
    const directory = mkdtempSync(join(tmpdir(), 'the0-stored-'));
    try {
      await extractArchive(piecesOf(archive), directory, DEFAULT_STATE_LIMITS);
      const tree = listTree(directory);
      const withTar = extractWithTar(archive);
      if (withTar !== null) assert.deepEqual(content(withTar), content(tree));
      return tree;
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  async archive(): Promise<Buffer | null> {
    return await this.#bytes(this.#state);
  }

  /** As a program that reads at any moment; null when there is no state. */
  async versions(): Promise<ReadonlyMap<string, Version> | null> {
    const archive = await this.archive();
    return archive === null ? null : await versionsIn(archive);
  }

  /**
   * The state has just been stored: whoever took it now would have to find versions of the bot's in it. One look at a time,
   * and not all the time; what is wrong is said by `looked`.
   */
  look(journal: Journal): void {
    this.#look ??= this.#lookOnce(journal).finally(() => {
      this.#look = null;
    });
  }

  /** @throws when a look has found something wrong; no more looks are under way then */
  async looked(): Promise<void> {
    await this.#look;
    assert.deepEqual(this.#seen, [], 'what was stored for a while');
  }

  async #lookOnce(journal: Journal): Promise<void> {
    const began = performance.now();
    try {
      const versions = await this.versions();
      if (versions !== null) this.#seen.push(...journal.faultsOf(versions));
    } catch (error) {
      this.#seen.push(`the stored state cannot be read: ${error instanceof Error ? error.message : error}`);
    }
    await delay(REST_PER_LOOK * (performance.now() - began));
  }

  /** Everything stored is a version of the bot's, and none that had been replaced before. */
  async checkState(journal: Journal): Promise<void> {
    await this.looked();
    assert.deepEqual(journal.faultsOf((await this.versions()) ?? new Map()), []);
  }

  /**
   * The log has grown at its end only; of each source it has the first lines, once and in order.
   * @returns how many of each
   */
  async checkLog(): Promise<ReadonlyMap<string, number>> {
    const log = await this.#wholeLog();
    assert.ok(log.subarray(0, this.#log.length).equals(this.#log), 'what the log held is not there any more');
    this.#log = log;
    const lines = new Map<string, number>();
    const text = log.toString();
    assert.ok(text === '' || text.endsWith('\n'), 'the log ends in the middle of a line');
    for (const line of text.split('\n').slice(0, -1)) {
      const message = messageIn(line);
      const [source = '', number = ''] = message.split(' ');
      // What is not the bot's: of another program, or a word of the agent's own.
      if (!/^s[\d.]+$/.test(source)) continue;
      const expected = lines.get(source) ?? 0;
      assert.equal(
        Number(number),
        expected,
        `after line ${expected - 1} of ${source} comes ${JSON.stringify(message)}`,
      );
      lines.set(source, expected + 1);
    }
    return lines;
  }

  /** A log of so many bytes by another program, as an earlier runtime may leave it today. */
  async putForeignLog(bytes: number): Promise<void> {
    const line = `${JSON.stringify({ timestamp: '', message: `${FOREIGN} ${'x'.repeat(900)}` })}\n`;
    const now = new Date();
    const two = (value: number) => String(value).padStart(2, '0');
    const key = `logs/${this.botId}/${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}.log`;
    const body = bodyOf(Buffer.from(line.repeat(Math.ceil(bytes / line.length))));
    await this.#store.write({ bucket: DEFAULT_BUCKETS.logs, key }, body, {
      condition: null,
      contentType: 'text/plain',
    });
  }

  /** The incarnation that has stored the state; null: none, or somebody else has. */
  async epoch(): Promise<number | null> {
    const info = await this.#store.head(this.#state);
    return info === null ? null : (stampOfMetadata(info.metadata)?.epoch ?? null);
  }

  /** As somebody who does not ask what is there. */
  async putState(archive: Buffer): Promise<void> {
    await this.#store.write(this.#state, bodyOf(archive), { condition: null, contentType: 'application/gzip' });
  }

  async removeState(): Promise<void> {
    await this.#store.remove(this.#state);
  }

  async remove(): Promise<void> {
    await this.removeState();
    for (const key of await this.#logKeys()) await this.#store.remove({ bucket: DEFAULT_BUCKETS.logs, key });
  }

  async #wholeLog(): Promise<Buffer> {
    const days: Buffer[] = [];
    for (const key of await this.#logKeys()) {
      days.push((await this.#bytes({ bucket: DEFAULT_BUCKETS.logs, key })) ?? Buffer.alloc(0));
    }
    return Buffer.concat(days);
  }

  async #logKeys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.#store.list(DEFAULT_BUCKETS.logs, `logs/${this.botId}/`)) keys.push(key);
    return keys.sort();
  }

  async #bytes(place: ObjectPlace): Promise<Buffer | null> {
    const found = await this.#store.read(place);
    if (found === null) return null;
    const chunks: Buffer[] = [];
    for await (const chunk of found.body) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

const FOREIGN = 'foreign';
/** So many times as long as a look has taken there is no other. */
const REST_PER_LOOK = 1;

function messageIn(line: string): string {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string') {
    return value.message;
  }
  throw new Error(`a stored line has no message: ${line}`);
}
