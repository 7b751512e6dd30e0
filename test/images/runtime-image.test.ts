import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { bodyOf, DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { retryRead } from '../../src/storage/retry.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { bridgeGateway, docker, needsDocker, removeContainersOf } from '../services/docker.ts';
import { needsMinio, startMinio } from '../services/minio.ts';
import { handMade } from '../storage/code-archive/archives.ts';

const IMAGE = 'the0-runtime:slim';
const INSTANCE = randomUUID();
const DEADLINE_MS = 120_000;
const RETRY = { attempts: 20, firstPauseMs: 100, longestPauseMs: 500, random: Math.random };

interface Container {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  /** Everything it wrote so far, both streams. */
  output(): Promise<string>;
  /** Waits for a line, and gives what follows `word` in it. */
  said(word: string): Promise<string>;
  stop(): Promise<void>;
}

interface ContainerOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
}

/** As contract 5.2 has it: read-only root, no capabilities, uid 1000, and the code mounted read-only (design 9). */
async function start(t: TestContext, { files = {}, env = {}, command }: ContainerOptions): Promise<Container> {
  const code = mkdtempSync(join(tmpdir(), 'the0-image-test-'));
  t.after(() => rmSync(code, { recursive: true }));
  chmodSync(code, 0o755);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(code, name), text);
  const owned = 'rw,nosuid,nodev,uid=1000,gid=1000';
  const all = { BOT_ID: 'bot-1', BOT_CONFIG: '{}', BOT_TYPE: 'realtime', THE0_CODE_SOURCE: '/the0/code', ...env };
  const container = await docker.createContainer({
    Image: IMAGE,
    ...(command === undefined ? {} : { Cmd: [...command] }),
    User: '1000:1000',
    WorkingDir: '/tmp',
    Labels: { 'the0.instance': INSTANCE },
    Env: Object.entries(all).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Binds: [`${code}:/the0/code:ro`],
      Tmpfs: {
        '/bot': `${owned},exec`,
        '/state': owned,
        '/query': owned,
        '/var/the0': owned,
        '/tmp': `${owned},mode=1777`,
      },
    },
  });
  await container.start();
  t.after(() => removeContainersOf(INSTANCE));
  const output = async () => readFrames(await container.logs({ stdout: true, stderr: true, follow: false }));
  return {
    ended: container.wait().then(({ StatusCode }: { StatusCode: number }) => StatusCode),
    output,
    async said(word) {
      const giveUpAt = performance.now() + DEADLINE_MS;
      for (;;) {
        const text = await output();
        const line = text
          .split('\n')
          .slice(0, -1)
          .find((candidate) => candidate.startsWith(word));
        if (line !== undefined) return line.slice(word.length).trim();
        await delay(50);
        if (performance.now() > giveUpAt) throw new Error(`waited in vain for "${word}" in:\n${text}`);
      }
    },
    async stop() {
      await container.stop({ t: 20 });
    },
  };
}

/** Docker puts an eight-byte head before each piece of output. */
function readFrames(buffer: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= buffer.length; ) {
    const end = at + 8 + buffer.readUInt32BE(at + 4);
    pieces.push(buffer.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function needsImage(): Promise<{ skip: string | false }> {
  const service = await needsDocker();
  if (service.skip !== false) return service;
  const images = await docker.listImages({ filters: { reference: [IMAGE] } });
  if (images.length > 0 || process.env['THE0_REQUIRE_SERVICES'] === '1') return { skip: false };
  return { skip: `there is no image ${IMAGE}; npm run image -- --target slim builds it` };
}

/** Says which processes show a credential: in their environment, their arguments, or a pipe from the launcher. */
const LEAK_SEEKER = `
import os, json
def main(bot_id, config):
    print("config intact", os.environ.get("CONFIG") == "first\\nexport MINIO_FAKE=1\\nlast")
    seen = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file: text = file.read()
            with open(f"/proc/{pid}/cmdline", "rb") as file: text += file.read()
        except (FileNotFoundError, ProcessLookupError): continue  # it has ended since it was listed
        text = text.replace(b"MINIO_FAKE", b"")
        seen[pid] = [word for word in (b"s3cr3t", b"MINIO_", b"NATS_URL") if word in text]
        for fd in ("3", "4", "5"):
            try: os.set_blocking((pipe := os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)), False)
            except OSError: continue
            try: leaked = os.read(pipe, 4096)
            except OSError: leaked = b""
            if b"s3cr3t" in leaked or b"MINIO_" in leaked: seen[pid].append(b"fd " + fd.encode())
    print("seen", json.dumps({pid: [str(word) for word in words] for pid, words in seen.items()}))
`;

const python = { RUNTIME: 'python3.11', ENTRYPOINT: 'main.py' };
const node = { RUNTIME: 'nodejs20', ENTRYPOINT: 'main.js' };

/** What makes the launcher send the errand: code in a store, and a number of the start. */
const CODE_KEY = 'some/code';
const launched = { THE0_CODE_SOURCE: '', CODE_FILE: CODE_KEY, THE0_INCARNATION: '5' };

async function assertNothingLeaked(container: Container): Promise<void> {
  const seen: unknown = JSON.parse(await container.said('seen'));
  assert.ok(typeof seen === 'object' && seen !== null);
  assert.ok(Object.keys(seen).length >= 3, 'tini, the agent and the bot');
  assert.deepEqual(
    Object.values(seen),
    Object.keys(seen).map(() => []),
  );
}

describe('the runtime image', await needsImage(), () => {
  after(() => removeContainersOf(INSTANCE));

  test('credentials are in the environment of no process, PID 1 included, and on no open pipe', async (t) => {
    const container = await start(t, {
      files: { 'main.py': LEAK_SEEKER },
      env: {
        ...python,
        // No MINIO_ENDPOINT: with a store that is not there, the bot would not start.
        MINIO_ACCESS_KEY: 's3cr3t-access',
        MINIO_SECRET_KEY: 's3cr3t $(with) `signs` "in" it',
        MINIO_ANYTHING_ELSE: 's3cr3t-more',
        NATS_URL: 'nats://user:s3cr3t@host',
        // A line of it looks like what the launcher looks for.
        CONFIG: 'first\nexport MINIO_FAKE=1\nlast',
      },
    });
    assert.equal(await container.ended, 0);
    assert.equal(await container.said('config intact'), 'True');
    await assertNothingLeaked(container);
  });

  test(
    'code that is fetched beside the start of the agent runs, and no credential is left either',
    needsMinio(),
    async (t) => {
      const host = await bridgeGateway();
      const minio = await startMinio(undefined, host);
      t.after(() => minio.stop());
      const store = openS3Store(minio.access);
      t.after(() => store.close());
      for (const bucket of Object.values(DEFAULT_BUCKETS)) await retryRead(() => store.createBucket(bucket), RETRY);
      const archive = handMade([{ name: 'main.py', content: LEAK_SEEKER }]);
      const place = { bucket: DEFAULT_BUCKETS.code, key: CODE_KEY };
      await store.write(place, bodyOf(archive), { condition: null, contentType: 'application/zip' });
      const { endpoint, accessKey, secretKey } = minio.access;
      const container = await start(t, {
        env: {
          ...python,
          ...launched,
          MINIO_ENDPOINT: endpoint,
          MINIO_ACCESS_KEY: accessKey,
          MINIO_SECRET_KEY: secretKey,
        },
      });
      assert.equal(await container.ended, 0);
      await assertNothingLeaked(container);
    },
  );

  test('an errand of the launcher that fails gives the agent its last words', async (t) => {
    const container = await start(t, {
      env: {
        ...python,
        ...launched,
        MINIO_ENDPOINT: '127.0.0.1:1',
        MINIO_ACCESS_KEY: 'some-key',
        MINIO_SECRET_KEY: 'some-secret',
        THE0_AGENT_LIMITS: '{"v":1,"storeAttempts":1,"failedStartLogsMs":10}',
      },
    });
    assert.equal(await container.ended, 1);
    assert.match(await container.output(), /^\{"the0":1,"code":"store-unreachable"/m);
  });

  test('bots run as user 1000 on a read-only root, in /bot, with Python 3.11 and the SDK', async (t) => {
    const bot = `
import os, sys, pwd, the0
def main(bot_id, config):
    try: open("/app/x", "w"); writable = True
    except OSError: writable = False
    print("facts", os.getuid(), os.getgid(), os.getcwd(), sys.version_info[:2], writable, bool(pwd.getpwuid(1000).pw_name))
`;
    const container = await start(t, { files: { 'main.py': bot }, env: python });
    assert.equal(await container.said('facts'), '1000 1000 /bot (3, 11) False True');
    assert.equal(await container.ended, 0);
  });

  test('Node bots run on Node 20 with the SDK, the agent on Node 22', async (t) => {
    const bot = `
const fs = require('node:fs');
const { metric } = require('@alexanderwanyoike/the0-node');
exports.main = async () => {
  const agent = fs.readdirSync('/proc').find((pid) => /^\\d+$/.test(pid) && fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').startsWith('/app/node'));
  const version = require('node:child_process').execFileSync('/app/node', ['--version'], { encoding: 'utf8' }).trim();
  console.log('facts', process.version.split('.')[0], agent !== undefined, version.split('.')[0], typeof metric);
};
`;
    const container = await start(t, { files: { 'main.js': bot }, env: node });
    assert.equal(await container.said('facts'), 'v20 true v22 function');
    assert.equal(await container.ended, 0);
  });

  test('a stop reaches the bot as SIGTERM, once, and ends with its code', async (t) => {
    const bot = `
let count = 0;
process.on('SIGTERM', () => { count += 1; setTimeout(() => { console.log('told', count); process.exit(11); }, 300); });
exports.main = () => { console.log('ready'); return new Promise(() => setInterval(() => {}, 1000)); };
`;
    const container = await start(t, { files: { 'main.js': bot }, env: node });
    await container.said('ready');
    await container.stop();
    assert.equal(await container.ended, 11);
    const output = await container.output();
    assert.match(output, /^told 1$/m);
    // Docker keeps no order between the two streams.
    assert.match(output, /^\{"the0":1,"code":"stopped","facts":\{"exitCode":11\}\}$/m);
  });

  test('processes that a bot leaves behind become no zombies', async (t) => {
    const bot = `
import os, time, subprocess
def zombies():
    states = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try: states.append(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0])
        except OSError: pass
    return states.count("Z")
def main(bot_id, config):
    for _ in range(5): subprocess.run(["sh", "-c", "(sleep 0.05; exit 0) & exit 0"])
    give_up = time.monotonic() + 20
    time.sleep(0.2)
    while zombies() and time.monotonic() < give_up: time.sleep(0.05)
    print("zombies", zombies())
`;
    const container = await start(t, { files: { 'main.py': bot }, env: python });
    assert.equal(await container.said('zombies'), '0');
  });

  test('the query server answers beside the bot', async (t) => {
    const query = `
import the0.query as query
@query.handler("/price")
def price(request): return {"pair": request.get("pair")}
query.run()
`;
    const bot = `
import time, urllib.request
def main(bot_id, config):
    for _ in range(600):
        try:
            print("answer", urllib.request.urlopen("http://127.0.0.1:9476/price?pair=BTC", timeout=5).read().decode())
            return
        except OSError: time.sleep(0.1)
`;
    const container = await start(t, {
      files: { 'main.py': bot, 'query.py': query },
      env: { ...python, QUERY_ENTRYPOINT: 'query.py' },
    });
    assert.deepEqual(JSON.parse(await container.said('answer')), { status: 'ok', data: { pair: 'BTC' } });
  });

  test('one question is answered into the result file', async (t) => {
    const query = `
import the0.query as query
@query.handler("/price")
def price(request): return {"pair": request.get("pair")}
query.run()
print("result", open("/query/result.json").read())
`;
    const container = await start(t, {
      files: { 'query.py': query },
      env: { ...python, QUERY_ENTRYPOINT: 'query.py', QUERY_PARAMS: '{"pair":"BTC"}' },
      command: ['/app/runtime', 'execute', '--query', '/price'],
    });
    assert.deepEqual(JSON.parse(await container.said('result')), { status: 'ok', data: { pair: 'BTC' } });
    assert.equal(await container.ended, 0);
  });

  for (const [word, code, text] of [
    ['version', 0, /^the0-runtime version \d+\.\d+\.\d+$/],
    ['', 0, /^Usage: \/app\/runtime execute .*\/app\/runtime bot-runner \|/s],
    ['settings', 0, /--mongo-uri/],
    ['controller', 1, /^Error: this runtime does not work with Kubernetes yet/],
    ['daemon', 1, /^Error: "daemon" needs one of: init, sync/],
    ['nonsense', 1, /^Error: unknown command "nonsense" for "the0-runtime"/],
  ] as const) {
    test(`the launcher's answer to ${word || 'no word at all'}`, async (t) => {
      const container = await start(t, { command: ['/app/runtime', ...(word === '' ? [] : [word])] });
      assert.equal(await container.ended, code);
      assert.match((await container.output()).trim(), text);
    });
  }

  test('its user, work directory and command are those other components rely on', async () => {
    const { Config } = await docker.getImage(IMAGE).inspect();
    assert.equal(Config.User, '1000:1000');
    assert.equal(Config.WorkingDir, '/bot');
    assert.deepEqual(Config.Cmd, ['/app/runtime', 'execute']);
    assert.ok(Config.Entrypoint === null || Config.Entrypoint === undefined);
  });
});
