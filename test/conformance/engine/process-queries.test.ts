import { readdir } from 'node:fs/promises';
import { processHarness } from './process-harness.ts';
import { querySuite } from './query-suite.ts';

querySuite('process', { skip: false, concurrency: 1 }, async () => {
  const harness = await processHarness();
  // One test after the other, so what is there is of the bot that is asked for.
  return { ...harness, queryRemains: () => readdir(harness.options().queryRuns) };
});
