import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentEnvironment, agentSecrets } from '../../../src/engine/process/agent-environment.ts';
import type { ProcessEngineOptions } from '../../../src/engine/process/process-engine-options.ts';
import { processHarness } from '../../conformance/engine/process-harness.ts';

const STORE = {
  endpoint: 'minio:9000',
  accessKey: 'the-access-key',
  secretKey: 'the-secret-key',
  useSsl: false,
  queryResultsBucket: 'query-results',
  stateMiB: 5,
};
const NATS = { natsUrl: 'nats://me:the-password@n' };

test('an agent gets what is secret over a pipe, and only what its bot has a use for', async (t) => {
  const harness = await processHarness();
  t.after(() => harness.cleanup());
  const local = await harness.makeBot({ files: {} });
  const stored = { ...local, filePath: 'local/grid/1' };
  const directories = { code: '/c', state: '/s', logs: '/l' };
  const told = (changes: Partial<ProcessEngineOptions>, definition = stored) => {
    const options = harness.options(changes);
    const start = { definition, incarnation: 1, directories, endpoint: null, groupsFile: '/g' };
    const environment = agentEnvironment(options, start);
    assert.doesNotMatch(JSON.stringify(environment), /the-access-key|the-secret-key|the-password|MINIO|NATS/);
    const { THE0_SECRETS_FD: fd, MAX_STATE_SIZE_MB: size, THE0_STORE_FENCING: fencing } = environment;
    const names = (agentSecrets(options, definition) ?? '').match(/^\w+(?==)/gm) ?? [];
    assert.equal(fd, names.length === 0 ? undefined : '3');
    return { secrets: names.filter((name) => /SECRET|NATS/.test(name)), size, fencing };
  };
  const nothing = { size: undefined, fencing: undefined };
  const ofStore = { objectStore: STORE, storeHonoursConditions: () => false };
  assert.deepEqual(told({}), { secrets: [], ...nothing });
  assert.deepEqual(told(NATS), { secrets: ['NATS_URL'], ...nothing });
  assert.deepEqual(told(ofStore), { secrets: ['MINIO_SECRET_KEY'], size: '5', fencing: '0' });
  assert.deepEqual(told({ ...ofStore, ...NATS }).secrets, ['MINIO_SECRET_KEY', 'NATS_URL']);
  assert.deepEqual(told({ ...ofStore, ...NATS }, local), { secrets: ['NATS_URL'], ...nothing });
});
