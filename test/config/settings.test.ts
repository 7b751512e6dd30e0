import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTING_GROUPS } from '../../src/config/setting.ts';
import { allSettings } from '../../src/config/settings.ts';
import { defaultShards } from '../../src/config/table/inside.ts';

test('every setting has a flag, a variable and a help of its own', () => {
  const settings = allSettings();
  for (const key of ['flag', 'env', 'help'] as const) {
    const values = settings.map((setting) => setting[key]);
    assert.deepEqual(
      values.filter((value, index) => values.indexOf(value) !== index),
      [],
      `${key} is used twice`,
    );
  }
});

test('every setting says its unit, what is expected, and in one line what it is for', () => {
  for (const { flag, help, kind, group } of allSettings()) {
    assert.match(flag, /^[a-z]+(-[a-z]+)*$/);
    assert.match(kind.placeholder, /^<.+>$/, flag);
    assert.notEqual(kind.expected, '', flag);
    assert.match(help, /^[^\n]{10,}[^.\n]$/, flag);
    assert.ok(group in SETTING_GROUPS, flag);
  }
});

test('variables have the names of the contract, or begin with THE0_', () => {
  const contract = [
    'QUERY_SERVER_PORT',
    'RUNTIME_IMAGE',
    'DOCKER_NETWORK',
    'DEV_RUNTIME_PATH',
    'BOT_MEMORY_LIMIT_MB',
    'BOT_CPU_SHARES',
    'LOG_LEVEL',
    'TZ',
    'QUERY_TOKEN',
    'MINIO_ENDPOINT',
    'MINIO_CONTAINER_ENDPOINT',
    'MINIO_ACCESS_KEY',
    'MINIO_SECRET_KEY',
    'MINIO_USE_SSL',
    'MINIO_SSL',
    'MINIO_CODE_BUCKET',
    'MINIO_STATE_BUCKET',
    'MINIO_LOGS_BUCKET',
    'MINIO_QUERY_RESULTS_BUCKET',
    'MAX_STATE_SIZE_MB',
    'MAX_STATE_FILE_SIZE_MB',
    'NATS_URL',
    'NATS_LOGS_URL',
    'MONGO_URI',
  ];
  const names = allSettings().map(({ env }) => env);
  for (const name of contract) assert.ok(names.includes(name), name);
  for (const name of names) assert.ok(contract.includes(name) || /^THE0_[A-Z0-9_]+$/.test(name), name);
});

test('every default is a value that its own flag would take', () => {
  for (const { flag, kind, default: value } of allSettings()) {
    if (kind.secret || value === null) continue;
    assert.deepEqual(kind.parse(kind.show(value)), value, flag);
  }
});

test('shards follow the processors, but there is always one and never more than four', () => {
  assert.deepEqual([1, 2, 3, 4, 64].map(defaultShards), [1, 1, 2, 3, 4]);
});
