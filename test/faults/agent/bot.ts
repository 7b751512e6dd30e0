import {
  appendFileSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import { listTree } from '../../storage/archive/other-readers.ts';
import { ABSENT, DIRECTORY, fileVersion, type Journal, linkVersion, versionsOf } from './journal.ts';

const FOLDERS = ['', 'a', 'a/b', 'c'] as const;
const LONGEST_PAUSE_MS = 12;
const BETWEEN_PIECES_MS = 3;
const STILL_ONE_WRITE_MS = 10;
const BALLAST_FILES = 2;
const BALLAST_BYTES = 3 * 1024 * 1024;

const BEATS = 12;
const BEAT_BYTES = 64;
const LONGEST_BEAT_MS = 200;
const LONGEST_BEAT_PAUSE_MS = 9;
const LONGEST_GAP_MS = 5;

const LINE = /^(s[\d.]+) \d+$/gm;

/** One container's bot: writes state and log as real ones do, and notes every version before the disk has it. */
export class Bot {
  readonly root: string;
  readonly journal: Journal;
  /** The lines say whose they are: of this container, or, where an agent writes them down, of one run in it. */
  source: string;
  /** So many of that source. */
  lines = 0;
  /** It has written something, or was given what others had. */
  hasLived = false;
  linesFile: string;
  readonly #container: string;
  #runs = 0;
  readonly #random: Random;
  readonly #broken = new Set<string>();
  #rotated = false;
  #bursts = 0;

  constructor(root: string, container: string, journal: Journal, random: Random) {
    this.root = root;
    this.source = container;
    this.#container = container;
    this.linesFile = join(root, 'logs', 'bot.log');
    this.journal = journal;
    this.#random = random;
    for (const folder of ['state', 'logs', 'spool']) mkdirSync(join(root, folder), { recursive: true });
  }

  get state(): string {
    return join(this.root, 'state');
  }

  /** So much that the store can keep parts of it (5 MiB). */
  writeBallast(): void {
    this.hasLived = true;
    for (let file = 0; file < BALLAST_FILES; file += 1)
      this.#replace(`ballast${file}`, noise(this.#random, BALLAST_BYTES));
  }

  /** Writes until `enough`, or for so many steps at most. */
  async live(steps: number, enough: () => boolean = () => false): Promise<void> {
    const burst = steps > 0 && this.#random.chance(0.1) ? this.beat(enough) : null;
    for (let step = 0; step < steps && !enough(); step += 1) {
      this.step();
      await delay(this.#random.between(0, LONGEST_PAUSE_MS));
    }
    await burst;
  }

  /**
   * Files are written in place and at one size, as counters and tables are: twice in a short time, or for a while. Each has
   * its last write at a moment of its own, and is not touched afterwards: what of it is missed stays missed.
   */
  async beat(enough: () => boolean = () => false): Promise<void> {
    this.hasLived = true;
    this.#bursts += 1;
    const id = `${this.#container}-${this.#bursts}`;
    const began = performance.now();
    // Keys among themselves: a key that is valid is taken at once, and nothing else holds the agent up then.
    const kinds = this.#random.pick([['key'], ['whole', 'whole', 'torn']] as const);
    const beats = Array.from({ length: BEATS }, (_, at) => {
      const firstAt = began + this.#random.between(0, LONGEST_BEAT_MS);
      const writes = this.#random.chance(0.8) ? 2 : this.#random.between(3, 60);
      const everyMs = this.#random.between(2, LONGEST_BEAT_PAUSE_MS);
      return { ...this.#newBeat(id, at, this.#random.pick(kinds)), at: firstAt, writes, everyMs };
    });
    while (beats.some(({ writes }) => writes > 0) && !enough()) {
      for (const beat of beats) {
        if (beat.writes === 0 || performance.now() < beat.at) continue;
        beat.writes -= 1;
        beat.at = performance.now() + beat.everyMs;
        this.#inPlace(beat.name, beat.newBytes(), beat.isTorn);
      }
      await delay(1);
    }
  }

  step(): void {
    this.hasLived = true;
    for (let line = this.#random.between(0, 3); line > 0; line -= 1) this.log();
    const name = join(this.#random.pick(FOLDERS), `f${this.#random.between(0, 9)}`);
    switch (this.#random.between(0, 13)) {
      case 0:
        this.#remove(name);
        break;
      case 1:
        this.#removeFolder(this.#random.pick(['a', 'a/b', 'c']));
        break;
      case 2:
        this.#link(name);
        break;
      case 3:
      case 4:
        this.#append(name);
        break;
      case 5:
        this.#overwrite(name);
        break;
      case 6:
        this.#breakKey();
        break;
      case 7:
      case 8:
      case 9:
        this.#setKey();
        break;
      default:
        this.#replace(name, noise(this.#random, this.#random.chance(0.05) ? 200_000 : 3_000));
    }
  }

  /** From now on it says its lines to an agent that writes them down. */
  beginRun(): void {
    this.#runs += 1;
    this.source = `${this.#container}.${this.#runs}`;
    this.lines = 0;
    this.linesFile = join(this.root, `lines-${this.#runs}`);
    writeFileSync(this.linesFile, '');
  }

  /** How many lines of each source are in the local log. */
  get written(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const name of ['bot.log.1', 'bot.log']) {
      const path = join(this.root, 'logs', name);
      if (!existsSync(path)) continue;
      for (const [, source = ''] of readFileSync(path, 'utf8').matchAll(LINE)) {
        counts.set(source, (counts.get(source) ?? 0) + 1);
      }
    }
    return counts;
  }

  log(): void {
    appendFileSync(this.linesFile, `${this.source} ${this.lines}\n`);
    this.lines += 1;
  }

  /** Once only: an unsent line is never rotated away twice. */
  rotateLog(): void {
    const path = join(this.root, 'logs', 'bot.log');
    if (this.#rotated || this.#runs > 0 || !existsSync(path)) return;
    this.#rotated = true;
    renameSync(path, `${path}.1`);
  }

  /** Leaves nothing half done, and something new. */
  settle(): void {
    this.hasLived = true;
    for (const name of this.#broken) this.#replace(name, this.#json());
    this.#setKey();
    this.log();
  }

  /** What it has to go on with, in a container in which a state was restored. */
  adoptRestored(): void {
    this.hasLived = true;
    this.journal.rollBackTo(versionsOf(listTree(this.state)));
  }

  #json(): Buffer {
    return Buffer.from(JSON.stringify({ value: this.#random.next(), text: 'x'.repeat(this.#random.between(0, 400)) }));
  }

  #setKey(): void {
    const name = `.the0-state/key-${this.#random.between(0, 5)}.json`;
    if (this.#random.chance(0.5)) this.#replace(name, this.#json());
    else this.#write(name, this.#json());
  }

  /** As a bot does that is stopped while it writes. That is no version of a key. */
  #breakKey(): void {
    const name = `.the0-state/key-${this.#random.between(0, 5)}.json`;
    this.#makeRoom(name);
    writeFileSync(join(this.state, name), '{"half": ');
    this.#broken.add(name);
  }

  #replace(name: string, bytes: Buffer): void {
    this.#makeRoom(name);
    const draft = `${name}.tmp`;
    this.journal.write(draft, fileVersion(''));
    this.journal.write(draft, fileVersion(bytes));
    writeFileSync(join(this.state, draft), bytes);
    this.journal.write(draft, ABSENT);
    this.journal.write(name, fileVersion(bytes));
    renameSync(join(this.state, draft), join(this.state, name));
    this.#broken.delete(name);
  }

  /** In place and in two pieces, as programs write that do not care; the pieces follow at once. */
  #overwrite(name: string): void {
    const bytes = noise(this.#random, this.#random.between(16, 2_000));
    const half = bytes.subarray(0, bytes.length >> 1);
    this.#makeRoom(name);
    this.journal.write(name, fileVersion(''));
    const began = performance.now();
    const file = openSync(join(this.state, name), 'w');
    writeSync(file, half);
    while (performance.now() - began < BETWEEN_PIECES_MS);
    writeSync(file, bytes.subarray(half.length));
    this.#wroteInPieces(name, began, half, bytes);
    closeSync(file);
  }

  /** On a busy machine it may have been long enough like `halves` to be a version. Nobody has asked the journal meanwhile. */
  #wroteInPieces(name: string, began: number, halves: Buffer, bytes: Buffer): void {
    if (performance.now() - began > STILL_ONE_WRITE_MS) this.journal.write(name, fileVersion(halves));
    this.journal.write(name, fileVersion(bytes));
  }

  #write(name: string, bytes: Buffer): void {
    this.#makeRoom(name);
    this.journal.write(name, fileVersion(bytes));
    writeFileSync(join(this.state, name), bytes);
    this.#broken.delete(name);
  }

  #newBeat(
    id: string,
    at: number,
    kind: 'key' | 'whole' | 'torn',
  ): { name: string; newBytes: () => Buffer; isTorn: boolean } {
    const noisy = () => noise(this.#random, BEAT_BYTES);
    if (kind !== 'key') return { name: `beats/${id}-${at}`, newBytes: noisy, isTorn: kind === 'torn' };
    const newBytes = () => Buffer.from(JSON.stringify({ beat: noisy().toString('hex') }));
    return { name: `.the0-state/beat-${id}-${at}.json`, newBytes, isTorn: false };
  }

  /** Not cut off before: neither its size nor, within a tick of the clock, its times tell. @param isTorn in two pieces */
  #inPlace(name: string, bytes: Buffer, isTorn: boolean): void {
    this.#makeRoom(name);
    const path = join(this.state, name);
    if (!existsSync(path)) {
      this.journal.write(name, fileVersion(''));
      this.journal.write(name, fileVersion(bytes));
      writeFileSync(path, bytes);
      return;
    }
    const half = isTorn ? bytes.length >> 1 : bytes.length;
    if (!isTorn) this.journal.write(name, fileVersion(bytes));
    const before = readFileSync(path);
    const file = openSync(path, 'r+');
    const began = performance.now();
    writeSync(file, bytes, 0, half, 0);
    if (isTorn) {
      const gapMs = this.#random.between(1, LONGEST_GAP_MS);
      while (performance.now() - began < gapMs);
      writeSync(file, bytes, half, bytes.length - half, half);
      const halves = Buffer.concat([bytes.subarray(0, half), before.subarray(half)]);
      this.#wroteInPieces(name, began, halves, bytes);
    }
    closeSync(file);
  }

  #append(name: string): void {
    const path = join(this.state, name);
    const bytes = noise(this.#random, this.#random.between(1, 500));
    this.#makeRoom(name);
    const before = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    this.journal.write(name, fileVersion(Buffer.concat([before, bytes])));
    appendFileSync(path, bytes);
  }

  #link(name: string): void {
    const target = `f${this.#random.between(0, 9)}`;
    this.#makeRoom(name);
    this.#remove(name);
    this.journal.write(name, linkVersion(target));
    symlinkSync(target, join(this.state, name));
  }

  #remove(name: string): void {
    this.journal.write(name, ABSENT);
    rmSync(join(this.state, name), { force: true });
  }

  #removeFolder(folder: string): void {
    const path = join(this.state, folder);
    if (!existsSync(path)) return;
    for (const { name } of listTree(path)) this.journal.write(`${folder}/${name}`, ABSENT);
    this.journal.write(folder, ABSENT);
    rmSync(path, { recursive: true });
  }

  /** The folders above it; and nothing that writing would follow. */
  #makeRoom(name: string): void {
    for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) {
      if (!existsSync(join(this.state, folder))) this.journal.write(folder, DIRECTORY);
    }
    mkdirSync(dirname(join(this.state, name)), { recursive: true });
    if (lstatSync(join(this.state, name), { throwIfNoEntry: false })?.isSymbolicLink()) this.#remove(name);
  }
}

/** Bytes that do not compress, never the same twice. */
function noise(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(8, length));
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  bytes.fill(0, bytes.length - (bytes.length % 4));
  return bytes;
}
