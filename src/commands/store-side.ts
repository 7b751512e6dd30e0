import type { Settings } from '../config/settings.ts';
import type { BotCredentials } from '../engine/bot-credentials.ts';
import { keysForEngine, openBotCredentials } from './bot-credentials.ts';
import { addressesOfNoUse, openRuntimeStore, type RuntimeStore } from './object-store.ts';
import { StoreCheck } from './store-check.ts';

/** The object store and what is known of it; all of it is nothing where none is configured. */
export interface StoreSide {
  readonly store: RuntimeStore | null;
  /** Null: containers get the keys of the runtime. */
  readonly credentials: BotCredentials | null;
  /** As far as is known by now. */
  honoursConditions(): boolean;
  /** What the store can do is known, or it takes too long to say. */
  readonly found: Promise<unknown>;
  /** In sentences. */
  readonly troubles: readonly string[];
  /** Those of them that keep nobody from working, but that people should know. */
  readonly remarks: readonly string[];
  close(): Promise<void>;
}

/** Nothing is waited for. @throws UsageError when one of its addresses is none */
export async function openStoreSide(settings: Settings, warn: (sentence: string) => void): Promise<StoreSide> {
  const store = await openRuntimeStore(settings);
  for (const sentence of addressesOfNoUse(settings)) warn(sentence);
  const check = store === null ? null : checkOf(store, settings, warn);
  const keys = await openBotCredentials(settings, store);
  return {
    store,
    credentials: keys && keysForEngine(keys),
    honoursConditions: () => check?.honoursConditions ?? true,
    found: Promise.all([check?.start(), keys?.start()]),
    get troubles() {
      return [...(check?.troubles ?? []), ...(keys?.troubles ?? [])];
    },
    get remarks() {
      return keys?.troubles ?? [];
    },
    async close() {
      await Promise.all([check?.close(), keys?.close()]);
    },
  };
}

function checkOf({ access, store }: RuntimeStore, { stored }: Settings, warn: (sentence: string) => void): StoreCheck {
  const { endpoint, buckets } = access;
  return new StoreCheck({ store, endpoint, buckets, ...stored.probe, warn });
}
