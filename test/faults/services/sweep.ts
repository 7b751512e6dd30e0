/**
 * Long search for bots that run twice, not at all or with an old config, and for answers that are not the bot's:
 * `npm run faults -- --services --rounds 20 --from 1`. In every round a role is killed again and again while events flow, runs are
 * due or questions are asked; stops at the first round that fails and says how to run it again. `--kind 3 --kind 8` takes these
 * kinds only (kinds.ts, from 0), in turn, `--bots 10` and `--kills 8` are the size of a round, `--seconds 100` begins no round
 * after that, `--keep-going` does not stop, `--save` adds what came of it to bench/results/faults-services.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { KINDS } from './kinds.ts';
import { kindOf, runRound } from './run-round.ts';
import { saveServicesRun } from './saved-runs.ts';
import { ServicesStage } from './services-stage.ts';

const { values } = parseArgs({
  options: {
    services: { type: 'boolean', default: true },
    rounds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    kind: { type: 'string', multiple: true },
    bots: { type: 'string', default: '10' },
    kills: { type: 'string', default: '8' },
    seconds: { type: 'string', default: 'Infinity' },
    'keep-going': { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const end = from + Number(values.rounds);
const kinds = values.kind?.map((at) => KINDS[Number(at)] ?? KINDS[0]);
const size = { bots: Number(values.bots), kills: Number(values.kills) };
const began = Date.now();
const endAt = began + Number(values.seconds) * 1000;
const rounds = new Map<string, { rounds: number; kills: number; events: number }>();
const failed: number[] = [];
let next = from;

let stage = await ServicesStage.open();
try {
  for (; next < end && Date.now() < endAt; next += 1) {
    const kind = kinds?.[(next - from) % kinds.length] ?? kindOf(next);
    const sum = rounds.get(kind.name) ?? { rounds: 0, kills: 0, events: 0 };
    rounds.set(kind.name, sum);
    sum.rounds += 1;
    try {
      const round = await runRound(next, kind, stage, size);
      sum.kills += round.kills;
      sum.events += round.events;
      console.log(`round ${next}, ${kind.name}: ${round.summary}`);
    } catch (error) {
      failed.push(next);
      tell(next, error);
      if (!values['keep-going']) {
        next += 1;
        break;
      }
      // What is left of the failed one must not trouble the next.
      await stage.close();
      stage = await ServicesStage.open();
    }
  }
} finally {
  await stage.close();
}
const seconds = Math.round((Date.now() - began) / 1000);
const kills = [...rounds.values()].reduce((all, sum) => all + sum.kills, 0);
console.log(`rounds ${from} to ${next - 1} in ${seconds} s: ${kills} kills, ${failed.length} failed`);
if (values.save) saveServicesRun({ from, to: next - 1, ...size, seconds, kinds: Object.fromEntries(rounds), failed });
process.exitCode = failed.length > 0 ? 1 : 0;

function tell(seed: number, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const directory = join(tmpdir(), 'the0-faults');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `services-${seed}.txt`);
  writeFileSync(file, `${text}\n`);
  console.error(`${text.slice(0, 1_500)}\n... the whole story is in ${file}`);
}
