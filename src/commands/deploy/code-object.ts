import { createReadStream } from 'node:fs';
import type { BotJson } from '../../desired/directory/bot-json.ts';
import type { Packed } from '../../storage/code-archive/pack.ts';
import { type Body, type ObjectPlace, type ObjectStore, StoreError } from '../../storage/object-store.ts';
import { DeployError } from './deploy-error.ts';

const DIGEST = 'sha256';

/** The key of a bot's code (contract 4.1). @throws DeployError when a part cannot stand in one */
export function codeKey(owner: string, { name, version }: Pick<BotJson, 'name' | 'version'>): string {
  for (const [what, part] of [
    ['owner', owner],
    ['custom.config.name', name],
    ['custom.version', version],
  ] as const) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/.test(part)) {
      throw new DeployError(
        `${what} ${JSON.stringify(part)} cannot be a part of the code's name in the store`,
        'It must begin with a letter or digit, and have up to 128 letters, digits, ".", "_", "+" or "-".',
      );
    }
  }
  return `${owner}/${name}/${version}`;
}

/**
 * Puts an archive into the store. A version never changes: bots that run it would not notice.
 * @returns false when the very same archive was there already
 * @throws DeployError when another one is there; StoreError
 */
export async function uploadCode(
  store: ObjectStore,
  place: ObjectPlace,
  archivePath: string,
  packed: Packed,
  progress: (bytes: number) => void = () => undefined,
): Promise<boolean> {
  if (await isSame(store, place, packed)) return false;
  if (!(await store.bucketExists(place.bucket))) await store.createBucket(place.bucket);
  try {
    await store.write(place, fileBody(archivePath, packed.sizeBytes, progress), {
      condition: { ifAbsent: true },
      contentType: 'application/zip',
      metadata: { [DIGEST]: packed.sha256 },
    });
    return true;
  } catch (error) {
    // Somebody else was faster, or the reply to our own write was lost.
    if (error instanceof StoreError && error.trouble === 'changed' && (await isSame(store, place, packed)))
      return false;
    throw error;
  }
}

async function isSame(store: ObjectStore, place: ObjectPlace, packed: Packed): Promise<boolean> {
  const found = await store.head(place);
  if (found === null) return false;
  if (found.size === packed.sizeBytes && found.metadata[DIGEST] === packed.sha256) return true;
  throw new DeployError(
    `${place.key} is in the store already, with other code`,
    'Raise custom.version in bot.json: a version that was deployed does not change.',
  );
}

function fileBody(path: string, size: number, progress: (bytes: number) => void): Body {
  return {
    size,
    async *read() {
      let sent = 0;
      for await (const chunk of createReadStream(path)) {
        if (!Buffer.isBuffer(chunk)) throw new Error(`${path} was not read as bytes`);
        yield chunk;
        sent += chunk.length;
        progress(sent);
      }
    },
  };
}
