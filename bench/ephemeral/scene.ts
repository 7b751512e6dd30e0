import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { runCli } from '../../test/commands/run-cli.ts';
import { removeContainersIn } from '../../test/e2e/bad-luck/scene.ts';
import { type BotFiles, writeBot } from '../../test/e2e/bot-folders.ts';
import { makeFolders, type RuntimeUnderTest, removeFolders, startRuntime } from '../../test/e2e/runtime-under-test.ts';
import { bridgeGateway } from '../../test/services/docker.ts';
import { startMinio } from '../../test/services/minio.ts';

const QUERY = {
  nodejs20: {
    'main.js': 'exports.main = () => {};\n',
    'query.js':
      "const { query } = require('@alexanderwanyoike/the0-node');\nquery.handler('/n', (req) => ({ n: req.get('n') }));\nquery.run();\n",
  },
  'python3.11': {
    'main.py': 'def main(id, config): pass\n',
    'query.py':
      'from the0 import query\n\n@query.handler("/n")\ndef n(req):\n    return {"n": req.get("n")}\n\nquery.run()\n',
  },
} as const;

export interface EphemeralScene {
  readonly runtime: RuntimeUnderTest;
  readonly store: ObjectStore;
}

/** A bot of the object store that is disabled and echoes `n` of a question to `/n`. */
export function stoppedBot(runtime: keyof typeof QUERY): BotFiles {
  const id = `bench-ephemeral-${process.pid}-${runtime === 'nodejs20' ? 'node' : 'python'}`;
  return { id, runtime, files: QUERY[runtime], enabled: false };
}

/** MinIO, the bots in it, and a runtime of its own process with the engine docker. All of it is removed when `use` is done. */
export async function withStoppedBots<Result>(
  bots: readonly BotFiles[],
  use: (scene: EphemeralScene) => Promise<Result>,
): Promise<Result> {
  const folders = await makeFolders();
  const undo: (() => Promise<unknown>)[] = [() => removeFolders(folders), () => removeContainersIn(folders)];
  try {
    const host = await bridgeGateway();
    const minio = await startMinio(undefined, host);
    undo.push(() => minio.stop());
    const store = openS3Store(minio.access);
    undo.push(async () => store.close());
    const { endpoint, accessKey, secretKey } = minio.access;
    const env = { MINIO_ENDPOINT: endpoint, MINIO_ACCESS_KEY: accessKey, MINIO_SECRET_KEY: secretKey };
    const sources = join(folders.root, 'sources');
    await mkdir(sources);
    for (const bot of bots) {
      const source = await writeBot(sources, bot);
      const { code, stderr } = await runCli(['deploy', source, '--bots', folders.botsDir], { env });
      if (code !== 0) throw new Error(stderr);
    }
    const runtime = await startRuntime({ engine: 'docker', folders, flags: ['--start-screen-wait', '0'], env });
    undo.push(() => runtime.end('SIGINT'));
    return await use({ runtime, store });
  } finally {
    for (const step of undo.reverse()) await step();
  }
}
