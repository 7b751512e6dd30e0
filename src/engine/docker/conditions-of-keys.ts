import type { BotCondition } from '../bot-conditions.ts';
import { isGo } from './go-containers.ts';
import type { TrackedContainer } from './tracked-container.ts';

/** Where bots should have keys of their own, a container that holds the runtime's is told of. */
export function conditionsOfKeys({ identity, startedAt }: TrackedContainer): readonly BotCondition[] {
  const holds = 'holds the keys of the runtime to the object store, with which it could reach the data of all bots';
  const since = Math.floor(startedAt) || identity.incarnation;
  if (isGo(identity)) {
    const message = `Its container was made by the Go runtime and ${holds}. \`restart\` gives it one of its own.`;
    return [{ code: 'shared-keys', message, since }];
  }
  // Its files are on this host, or it has no store: there are no keys.
  if (!identity.keepsFilesInside) return [];
  // Without a word about keys it is from before there were any of its own.
  if (identity.keys !== null && !identity.keys.shared) return [];
  const message = `Its container ${holds}. Once keys for single bots can be made, \`restart\` gives it its own.`;
  return [{ code: 'shared-keys', message, since }];
}
