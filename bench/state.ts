/**
 * What it costs to keep the stored state of a bot like its directory, on a real MinIO. The side that syncs is a process of
 * its own, bundled as the agent is; what it sends is counted at its sockets, its memory and CPU by the kernel.
 *
 *   node bench/state.ts [--part change|sweep|memory|history|bots] [--json] [--short]
 *
 * Without --part: all of them.
 */

import { measureParts } from './parts.ts';
import { history } from './state/history.ts';
import { manyBots } from './state/many-bots.ts';
import { memory } from './state/memory.ts';
import { oneChange } from './state/one-change.ts';
import { sweep } from './state/sweep.ts';

await measureParts({
  change: oneChange,
  sweep,
  memory,
  history,
  bots: manyBots,
});
