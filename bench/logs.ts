/**
 * What storing the log of a bot costs, and how old the stored log is.
 *
 *   node bench/logs.ts [--part append|fresh|day|soak] [--json] [--short]
 *
 *   append  one append to a log of 4 MB, 6 MB and 500 MB on a real MinIO, counted at a TCP proxy
 *   fresh   one line a second on a real MinIO: the age of the newest stored line, at its worst
 *   day     a day of 1 and of 100 lines a second, on a virtual clock and a store that only counts
 *   soak    the bundled agent with a bot that writes 100 lines a second: its private memory, and how fast it grows
 *
 * Without --part: all of them.
 */
import { appendCost } from './logs/append-cost.ts';
import { freshness } from './logs/freshness.ts';
import { soak } from './logs/soak.ts';
import { virtualDays } from './logs/virtual-day.ts';
import { measureParts } from './parts.ts';

await measureParts({
  append: appendCost,
  fresh: freshness,
  day: virtualDays,
  soak,
});
