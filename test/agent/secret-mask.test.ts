import assert from 'node:assert/strict';
import { test } from 'node:test';
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
