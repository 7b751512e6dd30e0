import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_BUCKETS, type ObjectPlace, type ObjectStore } from '../../src/storage/object-store.ts';
import type { Part } from '../parts.ts';
import { atMost, median } from '../report.ts';
import { agentMegabytes, until } from './container.ts';
import { LiveLines } from './live-lines.ts';
import { withScene } from './scene.ts';

const BAR_MB = 9;
const APPENDS = 10;
/** An agent appends every five seconds at most; on a busy machine less often. */
const LIVELY_MS = 85_000;
const QUIET_MS = 60_000;
const LOOK_MS = 500;

/** Changes its state once and says a line per second for a while; then it is quiet. */
const BOT = `import os, time
os.makedirs(os.environ["STATE_DIR"], exist_ok=True)
with open(os.path.join(os.environ["STATE_DIR"], "seen.json"), "w") as file:
    file.write("1")
def main(bot_id, config):
    for second in range(${LIVELY_MS / 1000}):
        print("line", second, flush=True)
        time.sleep(1)
    while True:
        time.sleep(3600)
`;

/** Private memory of the agents of many containers, some time after they have stored state and log. */
export const agentMemory: Part = async (short) => {
  const count = short ? 4 : 20;
  return await withScene(async (scene) => {
    const live = new LiveLines(scene.natsUrl);
    try {
      const ids = Array.from({ length: count }, (_, index) => `bench-memory-${process.pid}-${index}`);
      const containers = [];
      for (const id of ids) {
        const definition = await scene.deploy({ id, runtime: 'python3.11', files: { 'main.py': BOT } });
        const container = await scene.create(definition);
        await container.start();
        containers.push(container);
      }
      const livelyUntil = performance.now() + LIVELY_MS;
      const seen = new Map(ids.map((id) => [id, new Set<string>()]));
      const appends = await until('the appends', () => appendsOf(scene.store, seen), 180_000, LOOK_MS);
      for (const id of ids) await mustBeStored(scene.store, id);
      if (live.bots < count) throw new Error(`only ${live.bots} of ${count} agents are connected to NATS`);
      await sleep(Math.max(0, livelyUntil - performance.now()) + QUIET_MS);
      const megabytes: number[] = [];
      for (const container of containers) megabytes.push(await agentMegabytes(container));
      const mean = megabytes.reduce((sum, one) => sum + one, 0) / count;
      const what = `private memory of an agent, ${count} at once`;
      return {
        rows: [
          atMost(`${what}: mean`, mean, BAR_MB, 'MB'),
          atMost(`${what}: median`, median(megabytes), BAR_MB, 'MB'),
          atMost(`${what}: worst`, Math.max(...megabytes), BAR_MB, 'MB'),
        ],
        notes: [
          `Every agent had stored its bot's state, appended at least ${appends} times to the stored log and published it over NATS; then nothing happened for ${QUIET_MS / 1000} s.`,
        ],
      };
    } finally {
      live.close();
    }
  });
};

/**
 * @param seen the versions of each bot's log that were seen so far
 * @returns the smallest number of them; null: fewer than are wanted
 */
async function appendsOf(store: ObjectStore, seen: ReadonlyMap<string, Set<string>>): Promise<number | null> {
  for (const [id, versions] of seen) {
    for await (const { key } of store.list(DEFAULT_BUCKETS.logs, `logs/${id}/`)) {
      const info = await store.head({ bucket: DEFAULT_BUCKETS.logs, key });
      if (info !== null) versions.add(info.etag);
    }
  }
  const least = Math.min(...[...seen.values()].map(({ size }) => size));
  return least < APPENDS ? null : least;
}

async function mustBeStored(store: ObjectStore, id: string): Promise<void> {
  const place: ObjectPlace = { bucket: DEFAULT_BUCKETS.state, key: `${id}/state.tar.gz` };
  if ((await store.head(place)) === null) throw new Error(`the state of ${id} is not stored`);
}
