import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_BUCKETS, type ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { poll } from '../../e2e/runtime-under-test.ts';
import { type StoredBots, storedBots } from '../../e2e/stored-bots.ts';
import { docker } from '../../services/docker.ts';
import { needsMinio } from '../../services/minio.ts';
import { needsNats } from '../../services/nats.ts';
import { needsRuntimeImage } from '../../services/runtime-image.ts';
import { askOver, expectAnswers, expectCloseQueries, stoppedBots } from './stopped-bots.ts';

const DEADLINE_MS = 60_000;
const SKIP = [needsMinio(), needsNats(), await needsRuntimeImage()].find(({ skip }) => skip !== false);

async function containersOf(
  botId: string,
): Promise<{ role: string | undefined; env: readonly string[]; labels: object }[]> {
  const listed = await docker.listContainers({ all: true, filters: { label: [`runtime.id=${botId}`] } });
  const found = [];
  for (const { Id, Labels } of listed) {
    // Null: it was removed after it was listed.
    const inspected = await docker
      .getContainer(Id)
      .inspect()
      .catch((error: unknown) => {
        if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return null;
        throw error;
      });
    if (inspected !== null) found.push({ role: Labels['the0.role'], env: inspected.Config.Env, labels: Labels });
  }
  return found;
}

describe('bots of an object store that do not run answer queries (engine docker)', { ...SKIP }, () => {
  let scene: StoredBots;
  let store: ObjectStore;
  before(async () => {
    scene = await storedBots();
    const { MINIO_ENDPOINT = '', MINIO_ACCESS_KEY = '', MINIO_SECRET_KEY = '' } = scene.env;
    const [accessKey, secretKey] = [MINIO_ACCESS_KEY, MINIO_SECRET_KEY];
    store = openS3Store({ endpoint: MINIO_ENDPOINT, ssl: false, accessKey, secretKey });
  });
  after(async () => {
    store?.close();
    await scene?.close();
  });

  async function noneLeft(botIds: readonly string[]): Promise<void> {
    const left = async () => {
      for await (const _ of store.list(DEFAULT_BUCKETS.queryResults, '')) return undefined;
      const containers = await Promise.all(botIds.map(containersOf));
      return containers.flat().some(({ role }) => role === 'query') ? undefined : true;
    };
    await poll('no container and no result to be left', left, DEADLINE_MS, 100);
  }

  it('by a container as the contract has it, and leave neither container nor result', async (t) => {
    const bots = stoppedBots();
    const { node } = bots;
    const runtime = await scene.runtime(t, { bots: Object.values(bots) });
    const ask = askOver(runtime.queryUrl);
    await expectAnswers(ask, bots);
    await expectCloseQueries(ask, bots);
    await noneLeft([node.id, bots.python.id]);

    const late = ask(node.id, '/never', { x: '<&>' }, 3);
    const [container] = await poll(
      'the container',
      async () => {
        const found = await containersOf(node.id);
        return found.length > 0 ? found : undefined;
      },
      DEADLINE_MS,
    );
    assert.equal(container?.role, 'query');
    const labels = Object.entries(container.labels).filter(([name]) => name.startsWith('runtime.'));
    assert.deepEqual(Object.fromEntries(labels), {
      'runtime.managed': 'true',
      'runtime.id': node.id,
      'runtime.entrypoint': 'query.js',
      'runtime.type': 'scheduled',
    });
    for (const variable of [
      'ENTRYPOINT_TYPE=query',
      'ENTRYPOINT=query.js',
      'BOT_TYPE=scheduled',
      'IS_SCHEDULED=true',
      'QUERY_PATH=/never',
      'QUERY_PARAMS={"x":"<&>"}',
    ]) {
      assert.ok(container.env.includes(variable), variable);
    }
    const key = container.env.find((variable) => variable.startsWith('QUERY_RESULT_KEY='));
    assert.match(key ?? '', new RegExp(`^QUERY_RESULT_KEY=${node.id}/\\d{19}-[0-9a-f]{16}/result\\.json$`));
    assert.ok(!container.env.some((variable) => variable.startsWith('NATS_URL=')));
    // Keys for queries of this bot, which open less than its own; the answers above came with such.
    assert.ok(container.env.some((variable) => /^MINIO_ACCESS_KEY=THE0Q[0-9A-Z]{15}$/.test(variable)));
    const { httpStatus, body } = await late;
    assert.equal(httpStatus, 500);
    assert.match(String(body.error), /did not answer within 3 s/);
    assert.equal((await runtime.bot(node.id))?.state, 'stopped');
    await noneLeft([node.id]);
  });
});
