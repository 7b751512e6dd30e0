/**
 * Long search for lost and damaged state and logs: `node test/faults/agent/sweep.ts --points 2000 --from 1`. Stops at the
 * first point that fails and says how to run it again. `--agent parts` takes the syncing alone, without the agent around it,
 * which is quicker and finds other moments, `--agent daemon` the two containers beside a bot's; `--kind 3` takes one kind only, `--outage 60` lets the store be away
 * for up to so many seconds, `--jobs 2` runs so many points at once, `--seconds 100` begins none after that, `--save` adds
 * what came of it to bench/results/faults-agent.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { KINDS } from './kinds.ts';
import { type Agent, isAgent, openMinioStage } from './minio-stage.ts';
import { kindOf, runPoint } from './run-point.ts';
import { saveAgentRun } from './saved-runs.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    kind: { type: 'string' },
    agent: { type: 'string', default: 'execute' },
    jobs: { type: 'string', default: '1' },
    outage: { type: 'string', default: '1' },
    seconds: { type: 'string', default: 'Infinity' },
    'keep-going': { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const end = from + Number(values.points);
const only = values.kind === undefined ? undefined : KINDS[Number(values.kind)];
const { agent } = values;
if (!isAgent(agent)) throw new Error(`there is no agent ${agent}`);
const began = Date.now();
const points = new Map<string, number>();
const failed: number[] = [];
let next = from;

const stage = await openMinioStage(agent, Number(values.outage) * 1000);
try {
  await Promise.all(Array.from({ length: Number(values.jobs) }, () => work(agent)));
} finally {
  await stage.close();
}
const seconds = Math.round((Date.now() - began) / 1000);
for (const [name, count] of [...points].sort()) console.log(`${String(count).padStart(6)} ${name}`);
console.log(`points ${from} to ${next - 1} in ${seconds} s, ${failed.length} failed`);
if (values.save) {
  const outageSeconds = Number(values.outage);
  saveAgentRun({ agent, from, to: next - 1, outageSeconds, seconds, points: Object.fromEntries(points), failed });
}
process.exitCode = failed.length > 0 ? 1 : 0;

async function work(agent: Agent): Promise<void> {
  const endAt = began + Number(values.seconds) * 1000;
  while (next < end && Date.now() < endAt) {
    const seed = next;
    next += 1;
    const kind = only ?? kindOf(seed);
    points.set(kind.name, (points.get(kind.name) ?? 0) + 1);
    try {
      await runPoint(seed, kind, stage, agent);
    } catch (error) {
      failed.push(seed);
      const text = error instanceof Error ? error.message : String(error);
      const directory = join(tmpdir(), 'the0-faults');
      mkdirSync(directory, { recursive: true });
      const file = join(directory, `${agent}-${seed}.txt`);
      writeFileSync(file, `${text}\n`);
      console.error(`${text.slice(0, 1_500)}\n... the whole story is in ${file}`);
      if (!values['keep-going']) next = Math.max(next, end);
    }
    if ((seed - from + 1) % 100 === 0) console.log(`${seed - from + 1} points, ${failed.length} failed`);
  }
}
