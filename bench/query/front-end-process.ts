/**
 * The real front end in a process of its own, for measuring.
 *
 *     node front-end-process.ts '{"threads":1,"routes":1000,"ports":[…],"inFlightPerBot":32}'     prints {"port":…}
 *
 * Bots are named as `botName` does; their routes go round over the given ports. Further orders come as JSON lines on stdin:
 * `{"route":"b0007","port":4711}` publishes one (null withdraws it).
 */
import { createInterface } from 'node:readline';
import { createQueryFrontEnd } from '../../src/query/create-query-front-end.ts';
import { benchLimits } from './bench-limits.ts';
import { botName } from './bot-name.ts';

interface Order {
  readonly threads: number;
  readonly routes: number;
  readonly ports: readonly number[];
  readonly inFlightPerBot: number;
}

const order: Order = JSON.parse(process.argv[2] ?? '{}');
const frontEnd = createQueryFrontEnd({
  host: '127.0.0.1',
  port: 0,
  threads: order.threads,
  token: null,
  limits: { ...benchLimits, inFlightPerBot: order.inFlightPerBot },
  askWhy: async () => ({ kind: 'not-running', sentence: 'it is down' }),
  runQuery: async () => ({ kind: 'failed', error: 'it cannot be run' }),
});
let incarnation = 1;
for (let i = 0; i < order.routes; i += 1) publish(botName(i), order.ports[i % order.ports.length] ?? null);
await frontEnd.start();
console.log(JSON.stringify({ port: frontEnd.address.port }));

for await (const line of createInterface({ input: process.stdin })) {
  const change: { route: string; port: number | null } = JSON.parse(line);
  publish(change.route, change.port);
}
await frontEnd.close();

function publish(bot: string, port: number | null): void {
  frontEnd.setRoute(bot, port === null ? null : { endpoint: { host: '127.0.0.1', port }, incarnation: incarnation++ });
}
