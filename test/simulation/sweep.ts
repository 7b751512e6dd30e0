/**
 * Long search for races: `node test/simulation/sweep.ts --seeds 10000 --from 1`. Stops at the first seed that fails and says
 * how to replay it with a trace (`--trace`).
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    'storm-ms': { type: 'string', default: '60000' },
    trace: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const count = Number(values.seeds);
const stormMs = Number(values['storm-ms']);

for (let seed = from; seed < from + count; seed += 1) {
  const { violations, trace } = simulate({ seed, weather: 'storm', stormMs, tracing: values.trace });
  if (values.trace) console.log(trace.join('\n'));
  if (violations.length > 0) {
    console.error(`seed ${seed} failed:\n  ${violations.join('\n  ')}`);
    console.error(`replay: node test/simulation/sweep.ts --from ${seed} --seeds 1 --storm-ms ${stormMs} --trace`);
    process.exit(1);
  }
  if ((seed - from + 1) % 1000 === 0) console.log(`${seed - from + 1} seeds, all well`);
}
console.log(`${count} seeds from ${from}, all well`);
