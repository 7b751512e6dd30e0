import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_AGENT_LIMITS } from '../../src/agent/agent-limits.ts';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import {
  type AgentSettings,
  assertEnvironmentFits,
  botEnvironment,
  secretLines,
} from '../../src/engine/bot-environment.ts';
import { EngineError } from '../../src/engine/container-engine.ts';

const definition: BotDefinition = {
  id: 'grid',
  kind: 'realtime',
  enabled: true,
  config: { symbol: 'BTC/USD', apiKey: 'sesame' },
  version: '1.0.0',
  filePath: 'grid/1.0.0',
  name: 'grid',
  runtime: 'python3.11',
  entrypoint: 'main.py',
  queryEntrypoint: 'query.py',
  schedule: null,
  specRevision: 'abc',
  problem: null,
};
const settings: AgentSettings = {
  incarnation: 42,
  limits: DEFAULT_AGENT_LIMITS,
  timeZone: 'UTC',
};

const STORE = {
  endpoint: 'minio:9000',
  accessKey: 'a',
  secretKey: 's',
  useSsl: false,
  queryResultsBucket: 'query-results',
};

describe('the environment of a bot', () => {
  it('has the names of contract 5.2 in their order', () => {
    const objectStore = STORE;
    const names = Object.keys(botEnvironment(definition, { ...settings, objectStore, natsUrl: 'nats://n' }));
    assert.deepEqual(names.slice(0, names.indexOf('TZ')), [
      'PYTHONDONTWRITEBYTECODE',
      'ID',
      'CONFIG',
      'ENTRYPOINT_TYPE',
      'CODE_MOUNT_DIR',
      'STATE_DIR',
      'MINIO_ENDPOINT',
      'MINIO_ACCESS_KEY',
      'MINIO_SECRET_KEY',
      'MINIO_USE_SSL',
      'MINIO_QUERY_RESULTS_BUCKET',
      'BOT_ID',
      'CODE_FILE',
      'RUNTIME',
      'ENTRYPOINT',
      'BOT_CONFIG',
      'IS_SCHEDULED',
      'QUERY_ENTRYPOINT',
      'BOT_TYPE',
      'NATS_URL',
    ]);
  });

  it('names buckets and sizes only where they are not what the agent takes by itself', () => {
    const objectStore = { ...STORE, codeBucket: 'c', stateBucket: 's', logsBucket: 'l', stateMiB: 5, stateFileMiB: 1 };
    const { MINIO_CODE_BUCKET, MINIO_STATE_BUCKET, MINIO_LOGS_BUCKET, ...other } = botEnvironment(definition, {
      ...settings,
      objectStore,
    });
    assert.deepEqual([MINIO_CODE_BUCKET, MINIO_STATE_BUCKET, MINIO_LOGS_BUCKET], ['c', 's', 'l']);
    assert.deepEqual([other['MAX_STATE_SIZE_MB'], other['MAX_STATE_FILE_SIZE_MB']], ['5', '1']);
    const usual = Object.keys(botEnvironment(definition, { ...settings, objectStore: STORE, storeFencing: true }));
    assert.deepEqual(
      usual.filter((name) => /BUCKET|MAX_STATE|FENCING/.test(name)),
      ['MINIO_QUERY_RESULTS_BUCKET'],
    );
  });

  it('has what is secret over the pipe instead, where there is one, and the rest all the same', () => {
    const environment = botEnvironment(definition, {
      ...settings,
      objectStore: { ...STORE, stateBucket: 'b', stateMiB: 5 },
      storeFencing: false,
      natsUrl: 'nats://n',
      secretsFd: 3,
    });
    assert.deepEqual(
      Object.keys(environment).filter((name) => /MINIO|NATS/.test(name)),
      [],
    );
    assert.deepEqual([environment['MAX_STATE_SIZE_MB'], environment['THE0_STORE_FENCING']], ['5', '0']);
    assert.equal(
      secretLines({ ...STORE, stateBucket: 'b' }, 'nats://n'),
      'MINIO_ENDPOINT=minio:9000\nMINIO_ACCESS_KEY=a\nMINIO_SECRET_KEY=s\nMINIO_USE_SSL=false\n' +
        'MINIO_QUERY_RESULTS_BUCKET=query-results\nMINIO_STATE_BUCKET=b\nNATS_URL=nats://n\n',
    );
    assert.equal(secretLines(null, null), '');
  });

  it('has the values of contract 5.2 for a realtime bot', () => {
    const environment = botEnvironment(definition, settings);
    assert.equal(environment['BOT_CONFIG'], '{"apiKey":"sesame","symbol":"BTC/USD"}');
    assert.equal(environment['CONFIG'], environment['BOT_CONFIG']);
    assert.equal(environment['STATE_DIR'], '/state/.the0-state');
    assert.equal(environment['CODE_FILE'], 'grid/1.0.0');
    assert.equal(environment['IS_SCHEDULED'], 'false');
    assert.equal(environment['BOT_TYPE'], 'realtime');
    assert.equal(environment['THE0_INCARNATION'], '42');
  });

  it('tells the agent its limits in one variable, and only those that somebody changed', () => {
    assert.equal(botEnvironment(definition, settings)['THE0_AGENT_LIMITS'], undefined);
    const limits = { ...DEFAULT_AGENT_LIMITS, codeFiles: 7, stopGraceMs: 30_000 };
    assert.equal(
      botEnvironment(definition, { ...settings, limits })['THE0_AGENT_LIMITS'],
      '{"v":1,"stopGraceMs":30000,"codeFiles":7}',
    );
  });

  it('leaves out what is not there', () => {
    const environment = botEnvironment({ ...definition, queryEntrypoint: null }, settings);
    const absent = Object.keys(environment).filter((name) =>
      /QUERY|MINIO|NATS|CODE_PATH|SOURCE|LIFELINE|TEE/.test(name),
    );
    assert.deepEqual(absent, []);
    assert.ok(Object.values(environment).every((value) => typeof value === 'string'));
  });

  it('refuses a config that the kernel would refuse, and names neither it nor a value of it', () => {
    const environment = botEnvironment({ ...definition, config: { secret: 'x'.repeat(140_000) } }, settings);
    assert.throws(
      () => assertEnvironmentFits('grid', environment),
      (error) => {
        assert.ok(error instanceof EngineError);
        assert.equal(error.failure.code, 'rejected');
        assert.match(error.message, /Bot grid .*config takes 1400\d\d bytes/);
        assert.doesNotMatch(error.message, /xxx/);
        return true;
      },
    );
  });

  it('lets a config of 100 KiB pass', () => {
    assertEnvironmentFits('grid', botEnvironment({ ...definition, config: { list: 'x'.repeat(100_000) } }, settings));
  });
});
