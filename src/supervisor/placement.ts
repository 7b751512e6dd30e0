/**
 * Which shard owns a bot: rendezvous hashing (highest random weight). Every bot ranks all shards by a hash of the pair and
 * takes the first, so a shard that goes moves only its own bots, and one that comes takes only its share.
 *
 * @param shardIds at least one
 */
export function placeBot(botId: string, shardIds: readonly string[]): string {
  let best: string | undefined;
  let bestWeight = -1;
  for (const shardId of shardIds) {
    const weight = pairHash(botId, shardId);
    if (weight > bestWeight || (weight === bestWeight && best !== undefined && shardId < best)) {
      best = shardId;
      bestWeight = weight;
    }
  }
  if (best === undefined) throw new Error('there is no shard to place a bot on');
  return best;
}

/** FNV-1a over both names, then a finaliser (murmur3) since FNV alone spreads short suffixes badly. */
function pairHash(botId: string, shardId: string): number {
  let hash = 0x811c9dc5;
  for (const text of [botId, '\0', shardId]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
