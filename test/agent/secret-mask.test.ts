import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hiddenValues } from '../../src/agent/open-store.ts';
import { secretMask } from '../../src/agent/secret-mask.ts';

test('every string value of the config is masked, however deep', () => {
  const mask = secretMask('{"a":{"b":["topsecret"]},"c":"othersecret"}', []);
  assert.equal(mask('login topsecret/othersecret failed'), 'login ***/*** failed');
});

test('short strings, keys and numbers are left alone', () => {
  const mask = secretMask('{"symbol":"BTC","limit":12345}', []);
  assert.equal(mask('symbol BTC limit 12345'), 'symbol BTC limit 12345');
});

test('a value that holds another one is masked as a whole', () => {
  assert.equal(secretMask('{"a":"pass","b":"password"}', [])('password'), '***');
});

test('a value is masked in its JSON form too', () => {
  assert.equal(secretMask(JSON.stringify({ a: 'qu"ote' }), [])('got {"x":"qu\\"ote"}'), 'got {"x":"***"}');
});

test('a line of a value of many lines is masked', () => {
  assert.equal(secretMask(JSON.stringify({ key: 'BEGIN\nabcdef\nEND1' }), [])('bad key abcdef'), 'bad key ***');
});

test('a config that is not JSON is a secret as a whole', () => {
  assert.equal(secretMask('oops, secret', [])('BOT_CONFIG: oops, secret'), 'BOT_CONFIG: ***');
});

test('other secrets are masked too', () => {
  assert.equal(secretMask('', ['store-key'])('denied for store-key'), 'denied for ***');
});

test('credentials are hidden wherever they came from, and the address of the store is not', () => {
  const piped = new Map([
    ['MINIO_SECRET_KEY', 'piped-secret'],
    ['MINIO_ENDPOINT', 'minio:9000'],
  ]);
  const env = {
    MINIO_ACCESS_KEY: 'given-access',
    MINIO_SECRET_KEY: 'given-secret',
    NATS_URL: 'nats://me:given-password@nats:4222',
    MONGO_URI: 'mongodb://me:mongo-password@mongo',
    MINIO_ENDPOINT: 'other:9000',
    MINIO_STATE_BUCKET: 'my-states',
    MINIO_CODE_BUCKET: undefined,
    MAX_STATE_SIZE_MB: '8192',
  };
  const text = ['minio:9000', 'other:9000', 'my-states', '8192', ...piped.values(), ...Object.values(env)].join(' ');
  const masked = secretMask('{}', hiddenValues(piped, env))(text);
  assert.doesNotMatch(masked, /secret|access|password/);
  for (const open of ['minio:9000', 'other:9000', 'my-states', '8192']) assert.ok(masked.includes(open), masked);
});
