import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort } from '../services/free-port.ts';
import { ask, frontEnd, route } from './fixture.ts';

const sdks = resolve(import.meta.dirname, '../../images/sdk');

const servers = {
  node: {
    program: process.execPath,
    file: 'query.js',
    code: `const { query } = require(${JSON.stringify(join(sdks, 'nodejs'))});
query.handler('/echo', (req) => ({ limit: req.get('limit'), text: req.get('text') }));
query.handler('/boom', () => { throw new Error('boom'); });
query.run();`,
    environment: {},
  },
  python: {
    program: 'python3',
    file: 'query.py',
    code: `from the0 import query
@query.handler("/echo")
def echo(req):
    return {"limit": req.get("limit"), "text": req.get("text")}
@query.handler("/boom")
def boom(req):
    raise ValueError("boom")
query.run()`,
    environment: { PYTHONPATH: join(sdks, 'python') },
  },
};

for (const [language, { program, file, code, environment }] of Object.entries(servers)) {
  const missing = spawnSync(program, ['--version']).error !== undefined ? `${program} is not installed` : false;
  test(`a query server of the ${language} SDK gets its params, and its errors arrive`, { skip: missing }, async (t) => {
    const port = await startServer(t, program, file, code, environment);
    // Patience covers the start of the interpreter.
    const front = await frontEnd(t, { limits: { connectPatienceMs: 10_000 } });
    front.setRoute('b', route(port));
    const query = async (path: string, params: object): Promise<unknown> => {
      const { status, text } = await ask(front.address.port, { bot_id: 'b', query_path: path, params });
      const { data, error } = JSON.parse(text);
      return [status, error ?? data];
    };
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await query('/echo', { limit: 5, text: 'ä &=' }), [200, { limit: '5', text: 'ä &=' }]);
    }
    assert.deepEqual(await query('/health', {}), [200, { status: 'ok' }]);
    assert.deepEqual(await query('/boom', {}), [500, 'boom']);
    assert.deepEqual(await query('/none', {}), [500, 'No handler for path: /none']);
    const many = await Promise.all(Array.from({ length: 20 }, (_, i) => query('/echo', { limit: i, text: 'x' })));
    assert.deepEqual(
      many,
      Array.from({ length: 20 }, (_, i) => [200, { limit: String(i), text: 'x' }]),
    );
  });
}

async function startServer(
  t: TestContext,
  program: string,
  file: string,
  code: string,
  environment: Record<string, string>,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'query-server-'));
  await writeFile(join(folder, file), code);
  const port = await freePort();
  const env = {
    PATH: process.env['PATH'] ?? '',
    BOT_TYPE: 'realtime',
    BOT_ID: 'b',
    BOT_CONFIG: '{}',
    STATE_DIR: folder,
    THE0_QUERY_PORT: String(port),
    THE0_QUERY_HOST: '127.0.0.1',
    ...environment,
  };
  const server = spawn(program, [join(folder, file)], { env, stdio: 'ignore' });
  const ended = new Promise((done) => server.on('exit', done));
  t.after(async () => {
    server.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  return port;
}
