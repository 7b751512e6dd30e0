import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from 'minio';
import { DEFAULT_BUCKETS } from '../../../src/storage/object-store.ts';
import { needsMinio } from '../../services/minio.ts';
import { type StoredBot, storedBot } from './stored-bot.ts';

const STATE = 'bot-1/state.tar.gz';
const RESULT = 'bot-1/1767225600000000000-0123456789abcdef/result.json';
const BOT = `#!/bin/sh
mkdir -p "$STATE_DIR" ../state/own
echo '{"n":1}' > "$STATE_DIR/prices.json"
echo raw > ../state/own/file
echo plain
echo '{"_metric":"price","value":1,"timestamp":"2026-01-01T00:00:00Z"}'
`;

/** As the API reads: through the store's own client, which knows nothing of ours. */
function reader(bot: StoredBot) {
  const access = new Map(
    bot.secrets.split('\n').map((line): [string, string] => {
      const [name = '', value = ''] = line.split(/=(.*)/s);
      return [name, value];
    }),
  );
  const [endPoint = '', port = ''] = (access.get('MINIO_ENDPOINT') ?? '').split(':');
  const [accessKey = '', secretKey = ''] = [access.get('MINIO_ACCESS_KEY'), access.get('MINIO_SECRET_KEY')];
  return new Client({ endPoint, port: Number(port), useSSL: false, accessKey, secretKey });
}

async function bytes(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

// Contract 4.1, 4.4 and 4.5.
test('state, log and result are the objects that others read', needsMinio(), async (t) => {
  const bot = await storedBot(t, DEFAULT_BUCKETS);
  assert.equal((await (await bot.start({ files: { bot: BOT } })).ended).code, 0);
  const client = reader(bot);
  const { state, logs, queryResults } = DEFAULT_BUCKETS;
  assert.deepEqual([state, logs, queryResults], ['bot-state', 'bot-logs', 'query-results']);

  const archive = await client.statObject(state, STATE);
  assert.equal(archive.metaData['content-type'], 'application/gzip');
  const input = await bytes(await client.getObject(state, STATE));
  assert.equal(input.length, archive.size);
  const listed = execFileSync('tar', ['-tzf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(listed, ['.the0-state', '.the0-state/prices.json', 'own', 'own/file'], 'folders without a slash');
  const key = execFileSync('tar', ['-xzOf', '-', '.the0-state/prices.json'], { input, encoding: 'utf8' });
  assert.equal(key, '{"n":1}\n');

  const keys: string[] = [];
  for await (const { name } of client.listObjectsV2(logs, '', true)) keys.push(name);
  assert.match(keys.join(), /^logs\/bot-1\/\d{8}\.log$/, 'one object for the day, and nothing beside it');
  const [day = ''] = keys;
  const { size, metaData } = await client.statObject(logs, day);
  assert.match(metaData['content-type'], /^text\/plain/);
  const text = (await bytes(await client.getObject(logs, day))).toString('utf8');
  assert.equal(Buffer.byteLength(text), size);
  const lines = text.split('\n');
  assert.equal(lines.pop(), '', 'each line has its end');
  for (const line of lines) assert.ok('timestamp' in JSON.parse(line), line);
  assert.ok(lines.includes('{"_metric":"price","value":1,"timestamp":"2026-01-01T00:00:00Z"}'));
  const tail = await bytes(await client.getPartialObject(logs, day, size - 20, 20));
  assert.equal(tail.toString('utf8'), text.slice(-20));

  const results = mkdtempSync(join(tmpdir(), 'the0-results-'));
  t.after(() => rmSync(results, { recursive: true }));
  const question = await bot.start({
    args: ['execute', '--query', '/status'],
    files: { bot: `#!/bin/sh\necho '{"status":"ok","data":1}' > "$THE0_QUERY_RESULT"\n` },
    env: { QUERY_RESULT_KEY: RESULT, THE0_QUERY_RESULT: join(results, 'result.json') },
  });
  assert.equal((await question.ended).code, 0, question.stderr);
  const result = await client.statObject(queryResults, RESULT);
  assert.equal(result.metaData['content-type'], 'application/json');
  assert.deepEqual(JSON.parse((await bytes(await client.getObject(queryResults, RESULT))).toString()), {
    status: 'ok',
    data: 1,
  });
});
