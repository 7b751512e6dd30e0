import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDirectorySource } from '../../../src/desired/directory/directory-source.ts';
import { createCodeStore } from '../../../src/storage/filesystem/code-store.ts';
import { type DesiredHarness, desiredStateConformance } from './suite.ts';

const BOT_JSON_BYTES = 100_000;

desiredStateConformance('directory', { skip: false }, async (): Promise<DesiredHarness> => {
  const root = await mkdtemp(join(tmpdir(), 'the0-conformance-'));
  const directory = join(root, 'bots');
  await mkdir(directory);
  const write = async (id: string, content: unknown) => {
    await mkdir(join(directory, id), { recursive: true });
    await writeFile(join(directory, id, 'main.py'), 'def main(bot_id, config):\n    pass\n');
    const path = join(directory, id, 'bot.json');
    await writeFile(`${path}.new`, JSON.stringify(content));
    await rename(`${path}.new`, path);
  };
  const bot = (id: string, config: Record<string, unknown>, enabled: boolean) => ({
    id,
    enabled,
    config,
    custom: {
      version: '1.0.0',
      config: { name: id, type: 'realtime', runtime: 'python3.11', entrypoints: { bot: 'main.py' } },
    },
  });
  return {
    open: () =>
      createDirectorySource({
        directory,
        settleMs: 120,
        settleAtMostMs: 500,
        resyncMs: 3_600_000,
        rootCheckMs: 3_600_000,
        retryMs: 100,
        readsAtOnce: 4,
        unsettledLooks: 5,
        spareRevisions: 1,
        codeCopies: createCodeStore(join(root, 'data')),
        codeLimits: { files: 100, bytes: 1_000_000 },
        botJsonBytes: BOT_JSON_BYTES,
      }),
    put: (id, { config = {}, enabled = true }) => write(id, bot(id, config, enabled)),
    putBroken: (id) => write(id, { id, config: {}, custom: 'broken' }),
    remove: (id) => rm(join(directory, id), { recursive: true }),
    makeUnreadable: () => rm(directory, { recursive: true }),
    close: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
});
