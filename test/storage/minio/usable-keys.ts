import type { BotStoreKeys, MinioBotCredentials } from '../../../src/storage/minio/bot-credentials.ts';
import type { BotKeys } from '../../../src/storage/minio/bot-policy.ts';

/** Keys that open what they should by now. */
export async function usableKeys(made: MinioBotCredentials, bot: BotKeys): Promise<BotStoreKeys | null> {
  const keys = await made.keysFor(bot);
  if (keys === null) return null;
  const { usable, ...usableKeys } = keys;
  await usable;
  return usableKeys;
}
