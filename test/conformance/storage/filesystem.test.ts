import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemObjectStore } from '../../../src/storage/filesystem/object-store.ts';
import { storeSuite } from './suite.ts';

storeSuite('filesystem', { skip: false }, async () => {
  const root = await mkdtemp(join(tmpdir(), 'the0-objects-'));
  return {
    openStore: () => new FilesystemObjectStore(root),
    cleanup: () => rm(root, { recursive: true, force: true }),
  };
});
