import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bodyOf, DEFAULT_BUCKETS, type ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { type MinioServer, needsMinio, startMinio } from '../services/minio.ts';
import { plainTar } from '../storage/archive/build-archive.ts';
import { crowded, handMade } from '../storage/code-archive/archives.ts';
import { says, type Words, whyTells } from './bad-luck/told.ts';
import { uniqueId } from './bad-luck/unique-id.ts';
import { writeBot } from './bot-folders.ts';
import {
  makeFolders,
  poll,
  type RuntimeFolders,
  type RuntimeUnderTest,
  removeFolders,
  startRuntime,
} from './runtime-under-test.ts';
import { type Refusal, TroubledStore } from './troubled-store.ts';

/** What stands in a store, and what people are told of it: by `why`, and by an error in the bot's stored log. */
interface Row {
  readonly name: string;
  readonly code: string;
  /** Of both. */
  readonly says: Words;
}

/** Null: there is none. */
type CodeRow = Row & { readonly archive: () => Buffer | null };
type StateRow = Row & { readonly state: () => Buffer; readonly refused?: Refusal };

const MAIN = {
  name: 'main.js',
  content: `
const { readFileSync } = require('node:fs');
console.log('started with ' + readFileSync(process.env.STATE_DIR + '/word', 'utf8'));
exports.main = () => new Promise(() => setInterval(() => {}, 1000));`,
};
const SOUND_CODE = handMade([MAIN]);
const SOUND_STATE = gzipSync(plainTar([{ name: '.the0-state/word', content: 'the stored word' }]));
const ALWAYS = Number.POSITIVE_INFINITY;
const BAD_CODE = 'code-archive-bad';
const BAD_STATE = 'state-unreadable';

const CODE: readonly CodeRow[] = [
  {
    name: 'an archive of a million entries',
    archive: () => crowded(1_000_000),
    code: 'code-too-large',
    says: ['has 1000000 entries, more than 50000'],
  },
  {
    name: 'an archive that is cut short',
    archive: () => SOUND_CODE.subarray(0, -30),
    code: BAD_CODE,
    says: ['is no ZIP, or is cut short'],
  },
  {
    name: 'what is no archive',
    archive: () => Buffer.from('<html>not found</html>'),
    code: BAD_CODE,
    says: ['is no ZIP, or is cut short'],
  },
  {
    name: 'an archive that unpacks to a thousand times its size',
    archive: () => handMade([MAIN, { name: 'zeros', content: Buffer.alloc(20 * 1024 * 1024) }]),
    code: 'code-too-large',
    says: ['unpacks to more than 200 times its size'],
  },
  {
    name: 'a file above the code',
    archive: () => handMade([MAIN, { name: '../above', content: 'x' }]),
    code: BAD_CODE,
    says: ['"../above"', 'leads out of the code'],
  },
  {
    name: 'a file with an absolute name',
    archive: () => handMade([MAIN, { name: '/etc/above', content: 'x' }]),
    code: BAD_CODE,
    says: ['absolute name', '/etc/above'],
  },
  {
    name: 'a link among the code',
    archive: () => handMade([MAIN, { name: 'passwords', content: '/etc/passwd', mode: 0o120777 }]),
    code: BAD_CODE,
    says: ['"passwords"', 'which is a link'],
  },
  {
    name: 'a device among the code',
    archive: () => handMade([MAIN, { name: 'disk', mode: 0o060666 }]),
    code: BAD_CODE,
    says: ['"disk"', 'which is a device'],
  },
  { name: 'no archive at all', archive: () => null, code: 'code-missing', says: ['not in the object store'] },
];

const STATE: readonly StateRow[] = [
  {
    name: 'a state that is cut short',
    state: () => SOUND_STATE.subarray(0, -20),
    code: BAD_STATE,
    says: ['the stored state cannot be used', 'it ends in the middle'],
  },
  {
    name: 'a state that is no tar',
    state: () => gzipSync(Buffer.alloc(2_000, 'no tar ')),
    code: BAD_STATE,
    says: ['the stored state cannot be used'],
  },
  {
    name: 'a state that unpacks to more than it may have',
    state: () => gzipSync(plainTar([{ name: 'zeros', content: Buffer.alloc(3_000_000) }])),
    code: BAD_STATE,
    says: ['MAX_STATE_SIZE_MB'],
  },
  {
    name: 'a state with a file above it',
    state: () => gzipSync(plainTar([{ name: '../above', content: 'x' }])),
    code: BAD_STATE,
    says: ['../above'],
  },
  {
    name: 'a state that the store does not let the bot read',
    state: () => SOUND_STATE,
    refused: { status: 403, times: ALWAYS },
    code: 'store-denied',
    says: ['403', 'AccessDenied'],
  },
];

/** Mostly they wait. */
const AT_ONCE = 4;
const STORE_ATTEMPTS = 3;
const FLAGS = [
  ['--restart-base', '500ms'],
  ['--agent-store-retry', '50ms'],
  ['--agent-log-flush', '200ms'],
  ['--agent-store-attempts', String(STORE_ATTEMPTS)],
].flat();

describe('Bots whose archives in the store are bad', { concurrency: AT_ONCE, ...needsMinio() }, () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.set();
  });
  after(() => scene?.end());

  for (const row of CODE) {
    it(`${row.name} is told by \`why\` and in the bot's log`, async () => {
      const archive = row.archive();
      await scene.withBot(row.name, { code: archive, state: SOUND_STATE }, (bot) => bot.isRefused(row));
    });
  }

  for (const row of STATE) {
    it(`${row.name} is told by \`why\` and in the bot's log, and left as it is`, async () => {
      await scene.withBot(row.name, { code: SOUND_CODE, state: row.state(), refused: row.refused }, async (bot) => {
        await bot.isRefused(row);
        assert.equal(await bot.stateVersion(), bot.versionAtFirst);
      });
    });
  }

  it('a store that is busy for a moment only delays the start', async () => {
    await scene.withBot(
      'busy',
      { code: SOUND_CODE, state: SOUND_STATE, refused: { status: 503, times: STORE_ATTEMPTS - 1 } },
      async (bot) => {
        await bot.logTells(['started with the stored word']);
        assert.equal((await scene.runtime.bot(bot.id))?.restarts, 0);
      },
    );
  });

  it('a store that stays busy stops the start with a reason, never with an empty state', async () => {
    const row = { name: 'busy for long', code: 'store-unreachable', says: ['503', 'SlowDown'] };
    await scene.withBot(
      row.name,
      { code: SOUND_CODE, state: SOUND_STATE, refused: { status: 503, times: ALWAYS } },
      async (bot) => {
        await bot.isRefused(row);
        assert.equal(await bot.stateVersion(), bot.versionAtFirst);
        bot.mendState();
        await bot.logTells(['started with the stored word']);
      },
    );
  });
});

interface Stored {
  readonly code: Buffer | null;
  readonly state: Buffer;
  /** How the store answers to whoever asks for the state. */
  readonly refused?: Refusal | undefined;
}

/** One runtime and one store, for all rows. */
class Scene {
  readonly runtime: RuntimeUnderTest;
  readonly way: TroubledStore;
  readonly store: ObjectStore;
  readonly #server: MinioServer;
  readonly #folders: RuntimeFolders;

  private constructor(runtime: RuntimeUnderTest, way: TroubledStore, server: MinioServer, folders: RuntimeFolders) {
    this.runtime = runtime;
    this.way = way;
    this.store = openS3Store(server.access);
    this.#server = server;
    this.#folders = folders;
  }

  static async set(): Promise<Scene> {
    const [server, folders] = await Promise.all([startMinio(), makeFolders()]);
    const { endpoint, accessKey, secretKey } = server.access;
    const way = await TroubledStore.start(endpoint);
    const env = {
      MINIO_ENDPOINT: way.endpoint,
      MINIO_ACCESS_KEY: accessKey,
      MINIO_SECRET_KEY: secretKey,
      MAX_STATE_SIZE_MB: '1',
    };
    const runtime = await startRuntime({ engine: 'process', folders, flags: FLAGS, env });
    const scene = new Scene(runtime, way, server, folders);
    for (const bucket of [DEFAULT_BUCKETS.code, DEFAULT_BUCKETS.state]) await scene.store.createBucket(bucket);
    return scene;
  }

  async withBot(name: string, stored: Stored, look: (bot: BadBot) => Promise<void>): Promise<void> {
    const bot = await BadBot.add(this, uniqueId(name), stored);
    try {
      await look(bot);
    } finally {
      // What goes on being tried would slow down the rows that follow.
      await rm(bot.folder, { recursive: true });
    }
  }

  async end(): Promise<void> {
    assert.equal(await this.runtime.end('SIGINT'), 0, this.runtime.output().slice(-2_000));
    this.store.close();
    await this.way.stop();
    await this.#server.stop();
    await removeFolders(this.#folders);
  }
}

class BadBot {
  readonly id: string;
  readonly folder: string;
  readonly versionAtFirst: string;
  readonly #scene: Scene;

  private constructor(scene: Scene, id: string, folder: string, versionAtFirst: string) {
    this.#scene = scene;
    this.id = id;
    this.folder = folder;
    this.versionAtFirst = versionAtFirst;
  }

  static async add(scene: Scene, id: string, { code, state, refused }: Stored): Promise<BadBot> {
    const filePath = `local/${id}/1.0.0`;
    if (code !== null) await put(scene.store, DEFAULT_BUCKETS.code, filePath, code);
    const version = await put(scene.store, DEFAULT_BUCKETS.state, stateKey(id), state);
    if (refused !== undefined) scene.way.refuse(DEFAULT_BUCKETS.state, stateKey(id), refused);
    const entrypoints = { bot: 'main.js' };
    const folder = await writeBot(scene.runtime.botsDir, { id, files: {}, entrypoints, filePath });
    return new BadBot(scene, id, folder, version);
  }

  /** It was not started, and everybody is told why. */
  async isRefused({ code, says: words }: Row): Promise<void> {
    await whyTells(this.#scene.runtime, this.id, { code, state: 'backing-off', text: words, advice: [] });
    const log = await this.logTells(['"level":"error"']);
    says(firstError(log), words);
    assert.doesNotMatch(log, /started with/);
  }

  /** Waits until the stored log holds this. */
  async logTells(words: readonly string[]): Promise<string> {
    const { store } = this.#scene;
    return await poll(
      `the stored log of ${this.id} to tell ${words.join()}`,
      async () => {
        let log = '';
        for await (const { key } of store.list(DEFAULT_BUCKETS.logs, `logs/${this.id}/`)) {
          const content = await store.read({ bucket: DEFAULT_BUCKETS.logs, key });
          if (content !== null) for await (const chunk of content.body) log += chunk.toString('utf8');
        }
        return words.every((word) => log.includes(word)) ? log : undefined;
      },
      60_000,
      100,
    );
  }

  mendState(): void {
    this.#scene.way.mend(DEFAULT_BUCKETS.state, stateKey(this.id));
  }

  async stateVersion(): Promise<string | undefined> {
    return (await this.#scene.store.head({ bucket: DEFAULT_BUCKETS.state, key: stateKey(this.id) }))?.etag;
  }
}

/** Its message. */
function firstError(log: string): string {
  const line: unknown = JSON.parse(log.split('\n').find((one) => one.includes('"level":"error"')) ?? '{}');
  assert.ok(typeof line === 'object' && line !== null && 'message' in line && 'timestamp' in line, log);
  return String(line.message);
}

function stateKey(id: string): string {
  return `${id}/state.tar.gz`;
}

function put(store: ObjectStore, bucket: string, key: string, bytes: Buffer): Promise<string> {
  return store.write({ bucket, key }, bodyOf(bytes), { condition: null, contentType: 'application/octet-stream' });
}
