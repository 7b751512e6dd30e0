import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSetting } from '../../src/config/read-setting.ts';
import type { Setting } from '../../src/config/setting.ts';
import { serviceSettings } from '../../src/config/table/services.ts';

const EMPTY = {};

function read(env: Record<string, string>, flags: Record<string, string> = EMPTY) {
  const problems: string[] = [];
  const settings: Setting<unknown>[] = [];
  const values = serviceSettings((setting) => {
    settings.push(setting);
    const { value, problem } = readSetting(setting, env, flags);
    if (problem !== null) problems.push(problem.sentence);
    return value;
  });
  return { values, problems, settings };
}

test('no MongoDB is the default of the table, and the interval is that of the contract', () => {
  const { values, problems } = read({});
  assert.deepEqual(problems, []);
  assert.equal(values.mongoUri, null);
  assert.equal(values.desired.rereadMs, 30_000);
});

test('an interval of nothing or less is the default', () => {
  for (const text of ['0', '0s', '-5s', '00ms']) {
    assert.equal(read({}, { 'reconcile-interval': text }).values.desired.rereadMs, 30_000, text);
  }
  assert.equal(read({}, { 'reconcile-interval': '1m30s' }).values.desired.rereadMs, 90_000);
  assert.equal(read({}, { 'reconcile-interval': 'soon' }).problems.length, 1);
});

test('the address of MongoDB is never shown, and an empty one is a value', () => {
  const { problems } = read({ MONGO_URI: 'http://user:hunter2@host' });
  assert.equal(problems.length, 1);
  assert.doesNotMatch(problems.join(), /hunter2/);
  assert.equal(read({ MONGO_URI: '' }).values.mongoUri, '');
  const uri = read({}).settings.find(({ flag }) => flag === 'mongo-uri');
  assert.equal(uri?.kind.show('mongodb://user:hunter2@host'), '(set)');
});

test('no two settings have the same flag or variable, and every default is in its range', () => {
  const { settings } = read({});
  assert.equal(new Set(settings.map(({ flag }) => flag)).size, settings.length);
  assert.equal(new Set(settings.map(({ env }) => env)).size, settings.length);
  for (const { flag, kind, default: value } of settings) {
    if (!kind.secret) assert.equal(kind.parse(kind.show(value)), value, flag);
  }
});
