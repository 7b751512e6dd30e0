import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { CodeArchiveError } from '../storage/code-archive/archive-error.ts';
import { CodeDirectory, type Staging } from '../storage/code-archive/code-directory.ts';
import { extractCode } from '../storage/code-archive/extract.ts';
import {
  type Buckets,
  type ObjectInfo,
  type ObjectPlace,
  type ObjectStore,
  StoreError,
} from '../storage/object-store.ts';
import { type RetryPolicy, retryRead } from '../storage/retry.ts';
import { AgentError, messageOf } from './agent-error.ts';
import type { AgentLimits } from './agent-limits.ts';
import { storeRetry } from './store-retry.ts';

/** The object store as an agent has it. */
export interface AgentStore {
  readonly store: ObjectStore;
  readonly buckets: Buckets;
}

export interface StoredCode {
  /** Key of the archive (contract 4.1): `CODE_FILE`. */
  readonly key: string;
  readonly codePath: string;
  readonly limits: AgentLimits;
}

/** The archive was replaced while it was read: once is bad luck, and so is twice. */
const MOST_CHANGES = 3;

/**
 * Brings a bot's code from the store to its directory, unless this version is there already:
 *
 *   head ─► there? done │ archive ─► file beside the code ─► unpacked beside the code ─► checked ─► moved to its place
 *
 * Until the last step nothing of it can be taken for code, so this process may be killed at any time.
 *
 * @throws AgentError with a code for what is wrong: the object, the archive, its size, or the way to the store
 */
export async function fetchStoredCode({ store, buckets }: AgentStore, code: StoredCode): Promise<void> {
  const { codePath, limits } = code;
  const place: ObjectPlace = { bucket: buckets.code, key: code.key };
  try {
    for (let changes = 1; ; changes += 1) {
      try {
        await bring(store, place, codePath, limits);
        return;
      } catch (error) {
        const wasReplaced = error instanceof StoreError && error.trouble === 'changed' && changes < MOST_CHANGES;
        if (!wasReplaced) throw error;
      }
    }
  } catch (error) {
    throw agentErrorFor(error, place, limits);
  }
}

async function bring(store: ObjectStore, place: ObjectPlace, codePath: string, limits: AgentLimits): Promise<void> {
  const retry = storeRetry(limits);
  const info = await retryRead(() => store.head(place), retry);
  if (info === null) throw missing(place);
  const directory = new CodeDirectory(codePath);
  const version = { key: `${place.bucket}/${place.key}`, etag: info.etag };
  if (directory.holds(version)) return;
  if (info.size > limits.codeBytes) {
    throw new CodeArchiveError('too-large', `has ${info.size} bytes, more than ${limits.codeBytes}`);
  }
  const staging = directory.stage();
  try {
    await retrySpool(store, place, info, staging, retry);
    await extractCode(staging.archive, staging.code, limits);
    staging.publish(version);
  } finally {
    staging.remove();
  }
}

/** Each try goes on where the last one broke off. @throws StoreError `changed` when it is another archive by now */
async function retrySpool(
  store: ObjectStore,
  place: ObjectPlace,
  info: ObjectInfo,
  staging: Staging,
  retry: RetryPolicy,
): Promise<void> {
  const file = openSync(staging.archive, 'wx', 0o600);
  try {
    let done = 0;
    while (done < info.size) {
      const before = done;
      // A try that got further counts as the first again: progress is bounded by the size.
      await retryRead(async () => {
        const content = await store.read(place, { range: { from: done, to: info.size }, ifMatch: info.etag });
        if (content === null) throw missing(place);
        for await (const chunk of content.body) {
          if (done + chunk.length > info.size) throw new StoreError('changed', 'the archive is longer than it was');
          for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at, chunk.length - at, done + at);
          done += chunk.length;
        }
      }, retry);
      if (done === before) throw new StoreError('changed', 'the archive is shorter than it was');
    }
    ftruncateSync(file, info.size);
  } finally {
    closeSync(file);
  }
}

function missing({ bucket, key }: ObjectPlace): AgentError {
  return new AgentError(
    'code-missing',
    `the code of the bot is not in the object store: there is no ${key} in the bucket ${bucket}; deploy it again`,
    { path: `${bucket}/${key}` },
  );
}

function agentErrorFor(error: unknown, { bucket, key }: ObjectPlace, limits: AgentLimits): unknown {
  if (error instanceof AgentError) return error;
  const path = `${bucket}/${key}`;
  const message = messageOf(error);
  if (error instanceof CodeArchiveError) {
    const detail = error.trouble === 'not-ours' ? message : `the archive ${message}`;
    const text = `the code of the bot cannot be used: ${detail} (${path})`;
    switch (error.trouble) {
      case 'damaged':
      case 'unsafe':
      case 'unsupported':
        return new AgentError('code-archive-bad', text, { path, detail }, { cause: error });
      case 'too-large':
        return new AgentError('code-too-large', text, { path, detail }, { cause: error });
      case 'not-ours':
        return new AgentError('code-unavailable', text, { detail }, { cause: error });
    }
  }
  if (error instanceof StoreError) {
    switch (error.trouble) {
      case 'denied':
        return new AgentError(
          'store-denied',
          `the object store does not let this bot read ${path}: ${message}; check the credentials`,
          { path, detail: message },
          { cause: error },
        );
      case 'busy':
      case 'unreachable':
        return new AgentError(
          'store-unreachable',
          `the code of the bot cannot be fetched, after ${limits.storeAttempts} tries: ${message}`,
          { detail: message },
          { cause: error },
        );
      case 'missing':
        return missing({ bucket, key });
      case 'changed':
      case 'full':
      case 'refused':
        break;
    }
  }
  return new AgentError(
    'code-unavailable',
    `cannot fetch the code of the bot: ${message}`,
    { detail: message },
    { cause: error },
  );
}
