import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import type { DesiredState } from '../../../src/desired/desired-state.ts';
import { createDirectorySource, type DirectorySourceOptions } from '../../../src/desired/directory/directory-source.ts';
import { type CodeStore, createCodeStore } from '../../../src/storage/filesystem/code-store.ts';

export type Delivery =
  | { readonly kind: 'changed'; readonly id: string; readonly definition: BotDefinition }
  | { readonly kind: 'removed'; readonly id: string }
  | { readonly kind: 'synced' };

export interface SourceBench {
  readonly bots: string;
  readonly data: string;
  readonly store: CodeStore;
  readonly source: DesiredState;
  readonly deliveries: Delivery[];
  /** As told and not over. */
  readonly troubles: Error[];
  start(): Promise<void>;
  /** Writes a file below the bots folder. */
  put(path: string, content: string): Promise<void>;
  /** A bot folder with a `bot.json` and a `main.js`. */
  bot(folder: string, id: string, changes?: object): Promise<void>;
  /** What is desired by now. */
  desired(): Map<string, BotDefinition>;
  /** Deliveries as `changed a`, `removed a`, `synced`. */
  log(): string[];
}

export function botJson(id: string, changes: object = {}): string {
  const custom = {
    version: '1',
    config: { name: 'n', type: 'realtime', runtime: 'nodejs20', entrypoints: { bot: 'main.js' } },
  };
  return JSON.stringify({ id, config: { key: 'value' }, custom, ...changes });
}

/** A directory source on a bots folder of its own, with real copies; everything ends with the test. */
export async function sourceBench(t: TestContext, changes: Partial<DirectorySourceOptions> = {}): Promise<SourceBench> {
  const root = await mkdtemp(join(tmpdir(), 'directory-source-'));
  const bots = join(root, 'bots');
  const data = join(root, 'data');
  await mkdir(bots);
  const deliveries: Delivery[] = [];
  const troubles: Error[] = [];
  const store = createCodeStore(data);
  const source = createDirectorySource({
    directory: bots,
    codeCopies: store,
    settleMs: 120,
    settleAtMostMs: 400,
    resyncMs: 60_000,
    rootCheckMs: 50,
    retryMs: 50,
    unsettledLooks: 25,
    readsAtOnce: 4,
    spareRevisions: 2,
    codeLimits: { files: 1_000, bytes: 10_000_000 },
    botJsonBytes: 100_000,
    ...changes,
  });
  t.after(async () => {
    await source.close();
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  });
  const put = async (path: string, content: string) => {
    await mkdir(dirname(join(bots, path)), { recursive: true });
    await writeFile(join(bots, path), content);
  };
  return {
    bots,
    data,
    store,
    source,
    deliveries,
    troubles,
    put,
    start: () =>
      source.start({
        changed: (definition) => deliveries.push({ kind: 'changed', id: definition.id, definition }),
        removed: (id) => deliveries.push({ kind: 'removed', id }),
        synced: () => deliveries.push({ kind: 'synced' }),
        trouble: (error) => troubles.push(error),
        troubleOver({ message }) {
          const index = troubles.findIndex((trouble) => trouble.message === message);
          if (index >= 0) troubles.splice(index, 1);
        },
      }),
    async bot(folder, id, botChanges = {}) {
      await put(`${folder}/main.js`, `// ${id}`);
      // In one step: on a busy machine the source would look at it when it is half written.
      await put(`${folder}/.bot.json.new`, botJson(id, botChanges));
      await rename(join(bots, folder, '.bot.json.new'), join(bots, folder, 'bot.json'));
    },
    desired() {
      const desired = new Map<string, BotDefinition>();
      for (const delivery of deliveries) {
        if (delivery.kind === 'changed') desired.set(delivery.id, delivery.definition);
        if (delivery.kind === 'removed') desired.delete(delivery.id);
      }
      return desired;
    },
    log: () =>
      deliveries.map((delivery) => (delivery.kind === 'synced' ? 'synced' : `${delivery.kind} ${delivery.id}`)),
  };
}

/** Polls until it holds. @throws when it does not within the deadline */
export async function until(holds: () => boolean, deadlineMs = 60_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${holds.toString()}`);
    await sleep(5);
  }
}
