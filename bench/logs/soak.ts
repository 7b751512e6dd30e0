import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleAgent } from '../../images/bundle-agent.ts';
import { localDay } from '../../src/agent/logs/stored-line.ts';
import { DEFAULT_BUCKETS } from '../../src/storage/object-store.ts';
import { startNats } from '../../test/services/nats.ts';
import type { Part } from '../parts.ts';
import { atMost } from '../report.ts';
import { keyOfLog, withLogScene } from './scene.ts';
import { StoringAgent } from './storing-agent.ts';

const LOOK_MS = 2_000;
/** Memory is a saw: so short a run tells an hour's growth only within two or three MB. */
const BAR_MB = 5;
/** The log is that long already, as it is for most of a day: shorter ones are sent again with every append. */
const BEFORE_BYTES = 6_000_000;

/** 100 lines a second; a file of the state is written now and then. */
const CHATTERBOX = `
mkdir -p "$STATE_DIR"
round=0
while :; do
  for line in 1 2 3 4 5 6 7 8 9 10; do echo "INFO price and volume of a pair, round $round, line $line"; done
  round=$((round + 1))
  [ $((round % 50)) -eq 0 ] && echo "{\\"round\\":$round}" > "$STATE_DIR/round.json"
  sleep 0.1
done`;

/** Whether an agent grows that stores a lot of lines for long. The slope is that of the second half of the time. */
export const soak: Part = (short) =>
  withLogScene(async ({ minio, store, directory }) => {
    const place = { bucket: DEFAULT_BUCKETS.logs, key: keyOfLog('soak', localDay(new Date())) };
    const before = { size: BEFORE_BYTES, read: () => [Buffer.alloc(BEFORE_BYTES, '{}\n')] };
    await store.write(place, before, { condition: null, contentType: 'text/plain' });
    const seconds = short ? 60 : 420;
    const program = await bundleAgent(join(directory, 'agent.js'));
    const nats = await startNats();
    const agent = new StoringAgent({
      program,
      directory: join(directory, 'soak'),
      botId: 'soak',
      script: CHATTERBOX,
      access: minio.access,
      natsUrl: nats.url,
    });
    const looks: { readonly atHours: number; readonly mb: number }[] = [];
    try {
      const beganMs = performance.now();
      while (performance.now() - beganMs < seconds * 1_000) {
        await sleep(LOOK_MS);
        looks.push({ atHours: (performance.now() - beganMs) / 3_600_000, mb: agent.privateMb() });
      }
    } finally {
      await agent.stop();
      await nats.remove();
    }
    const stored = (await store.head(place))?.size ?? 0;
    // Eighty lines a second at the least: the pauses of the bot come on top of what its lines take.
    if (stored - BEFORE_BYTES < seconds * 80 * 45) throw new Error(`only ${stored - BEFORE_BYTES} bytes were stored`);
    const late = looks.slice(looks.length >> 1);
    const slope = slopeOf(late);
    const mean = late.reduce((sum, { mb }) => sum + mb, 0) / late.length;
    const growth = `private memory of an agent storing 100 lines/s for ${seconds} s: growth`;
    // So few looks say nothing about an hour.
    const row = short
      ? { ...atMost(growth, slope, BAR_MB, 'MB/h'), bar: 'shown only', pass: true }
      : atMost(growth, slope, BAR_MB, 'MB/h');
    const every = Math.ceil(looks.length / 12);
    const shown = looks.filter((_, index) => index % every === 0).map(({ mb }) => mb.toFixed(1));
    return { rows: [row], notes: [`Soak: ${mean.toFixed(1)} MB on the average; over time ${shown.join(' ')} MB.`] };
  });

/** Least squares. */
function slopeOf(looks: readonly { readonly atHours: number; readonly mb: number }[]): number {
  const meanAt = looks.reduce((sum, { atHours }) => sum + atHours, 0) / looks.length;
  const meanMb = looks.reduce((sum, { mb }) => sum + mb, 0) / looks.length;
  let [up, across] = [0, 0];
  for (const { atHours, mb } of looks) {
    up += (atHours - meanAt) * (mb - meanMb);
    across += (atHours - meanAt) ** 2;
  }
  return up / across;
}
