import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { loadSettings } from '../../src/config/load-settings.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3/open-s3-store.ts';
import { type MinioServer, startMinio } from '../../test/services/minio.ts';
import { bundleSyncer, SyncingProcess } from './syncing-process.ts';

/** A store, a place for states, and processes that sync them. */
export interface Scene {
  readonly store: ObjectStore;
  readonly minio: MinioServer;
  /** Empty, on a disk. */
  readonly directory: string;
  /** A new one, idle. */
  syncer(): Promise<SyncingProcess>;
  /** The same in a container with so much memory; states are on a disk of this host. */
  syncerIn(memoryBytes: number): Promise<SyncingProcess>;
  /** Bytes that are stored of a bot. */
  storedBytes(bot: string): Promise<number>;
}

/** Ends and removes all of it when `use` is done. */
export async function withScene<Result>(use: (scene: Scene) => Promise<Result>): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'the0-bench-state-'));
  const [directory, spoolDirectory] = [join(root, 'states'), join(root, 'spool')];
  const started: SyncingProcess[] = [];
  const remember = (syncer: SyncingProcess) => {
    started.push(syncer);
    return syncer;
  };
  let minio: MinioServer | null = null;
  let store: ObjectStore | null = null;
  try {
    await Promise.all([mkdir(directory), mkdir(spoolDirectory)]);
    minio = await startMinio();
    const { access } = minio;
    store = openS3Store(access);
    const opened = store;
    await opened.createBucket('bot-state');
    const program = await bundleSyncer(root);
    return await use({
      store,
      minio,
      directory,
      syncer: async () => remember(await SyncingProcess.start(program, { access, spoolDirectory })),
      syncerIn: async (memoryBytes) => {
        const { image } = loadSettings(process.env, { engine: 'docker' }).settings.docker;
        const cage = { memoryBytes, image, directory: root };
        return remember(await SyncingProcess.startIn(cage, program, { access, spoolDirectory }));
      },
      storedBytes: async (bot) =>
        (await opened.head({ bucket: 'bot-state', key: `${bot}/state.tar.gz` }))?.size ?? Number.NaN,
    });
  } finally {
    for (const syncer of started) await syncer.stop();
    store?.close();
    await minio?.stop();
    await rm(root, { recursive: true, force: true });
  }
}
