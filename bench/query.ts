/**
 * Queries through the front end: how near to the smallest possible proxy, whether routes cost anything, and what bad bots
 * cost good ones. Load, front end and bots are processes of their own; whatever is compared is measured in turn, and medians
 * are taken.
 *
 *   node bench/query.ts [--json] [--short]
 */
import process from 'node:process';
import { endAll } from './query/child.ts';
import { besideHungBot, whileOthersCrash } from './query/neighbours.ts';
import { againstSmallestProxy, oneAndThousandRoutes } from './query/throughput.ts';
import { report } from './report.ts';

const json = process.argv.includes('--json');
const [rounds, milliseconds] = process.argv.includes('--short') ? [9, 600] : [21, 1000];

try {
  const near = await againstSmallestProxy(rounds, milliseconds);
  const routes = await oneAndThousandRoutes(rounds, milliseconds);
  const rows = [...near.rows, ...routes.rows];
  rows.push(...(await whileOthersCrash(rounds, milliseconds)));
  rows.push(...(await besideHungBot(rounds, milliseconds)));
  report(rows, {
    json,
    notes: [`${rounds} rounds of ${milliseconds / 1000} s each, in turn.`, near.note, routes.note],
  });
} finally {
  endAll();
}
