/**
 * What an agent costs that keeps state and log of its bot in a store: private memory (USS) of the bundled agent, started as
 * the image starts it, after ten and more syncs of the state and appends of the log on a real MinIO, connected to NATS, and
 * a minute of rest.
 *
 *   node bench/agent-footprint.ts [--json] [--short]
 *
 * Memory that nobody shares does not depend on containers, so the agents are plain processes; their bots are shells.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bundleAgent } from '../images/bundle-agent.ts';
import { startNats } from '../test/services/nats.ts';
import { withLogScene } from './logs/scene.ts';
import { StoringAgent } from './logs/storing-agent.ts';
import { atMost, report } from './report.ts';

const { short = false, json = false } = parseArgs({
  options: { short: { type: 'boolean' }, json: { type: 'boolean' } },
}).values;
const AGENTS = short ? 5 : 20;
const LIVELY_S = short ? 25 : 60;
const RESTING_S = short ? 35 : 60;
const BAR_MB = 9;

/** Alive for a while, then it only waits. */
const BOT = `
mkdir -p "$STATE_DIR"
for second in $(seq ${LIVELY_S}); do
  echo "INFO second $second of the bot"
  [ $((second % 5)) -eq 0 ] && echo "{\\"second\\":$second}" > "$STATE_DIR/second.json"
  sleep 1
done
exec sleep 100000`;

await withLogScene(async ({ minio, store, directory }) => {
  const program = await bundleAgent(join(directory, 'agent.js'));
  const nats = await startNats();
  const agents: StoringAgent[] = [];
  try {
    for (let index = 0; index < AGENTS; index += 1) {
      agents.push(
        new StoringAgent({
          program,
          directory: join(directory, `bot-${index}`),
          botId: `bot-${index}`,
          script: BOT,
          access: minio.access,
          natsUrl: nats.url,
        }),
      );
      // Not all of them at one moment.
      await sleep(200);
    }
    await sleep((LIVELY_S + RESTING_S) * 1_000);
    const memories = agents.map((agent) => agent.privateMb()).sort((a, b) => a - b);
    for (const bucket of ['bot-logs', 'bot-state']) {
      let objects = 0;
      for await (const _ of store.list(bucket, '')) objects += 1;
      if (objects !== AGENTS) throw new Error(`${bucket} has ${objects} objects of ${AGENTS} bots`);
    }
    const mean = memories.reduce((sum, mb) => sum + mb, 0) / AGENTS;
    report([atMost(`private memory of an agent, mean of ${AGENTS} at once`, mean, BAR_MB, 'MB')], {
      json,
      notes: [`Least ${memories[0]?.toFixed(2)} MB, most ${memories.at(-1)?.toFixed(2)} MB.`],
    });
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    await nats.remove();
  }
});
