import { poll } from '../../test/e2e/runtime-under-test.ts';
import type { Deployment } from '../../test/e2e/services/deployment.ts';
import type { Part } from '../parts.ts';
import { endAll, load, start } from '../query/child.ts';
import type { LoadResult } from '../query/load.ts';
import { median, type Row } from '../report.ts';
import { cpuMsOf } from '../state/syncing-process.ts';
import { coldStart, containersOf } from './cold.ts';
import { idsOf, withServices } from './scene.ts';

const QUERY_PORT = 9476;
/** What the load asks for. */
const PATH = '/status';
const WARM_UP_MS = 250;
const PATIENCE_MS = 180_000;

/**
 * Queries through `query-server`, a process of its own that finds the bots by itself, beside the same bots behind the
 * smallest proxy, and one bot asked directly. All bots run all the time, also while only one is asked.
 */
export const query: Part = async (short) => {
  // Fewer connections than bots: the smallest proxy has one to each, and takes for granted that one is free.
  const [count, connections, rounds, milliseconds, warmUpMs] = short
    ? [10, 8, 3, 500, 4_000]
    : [300, 16, 11, 1_000, 30_000];
  return await withServices(async (deployment) => {
    const ids = idsOf('asked', count);
    await coldStart(
      deployment,
      ids.map((id) => ({ id, query: true })),
    );
    const addresses = await addressesOf(deployment);
    const [address = ''] = addresses.values();
    const server = await deployment.start('query-server');
    const port = Number(new URL(server.queryUrl ?? '').port);
    for (const id of ids) await answers(port, id);
    const [first = ''] = addresses.keys();
    const upstreams = [...addresses.values()].map((host) => `${host}:${QUERY_PORT}`);
    try {
      const proxyOfOne = (await start<{ port: number }>('./smallest-proxy.ts', 0, upstreams[0] ?? '')).said.port;
      const proxyOfAll = (await start<{ port: number }>('./smallest-proxy.ts', count, ...upstreams)).said.port;
      const all = Array.from({ length: count }, (_, nth) => ids[nth] ?? '');
      const one = all.map(() => first);
      const ask = (target: number, bots: readonly string[], at: number) =>
        checked(load({ port: target, connections: at, warmUpMs: WARM_UP_MS, milliseconds, bots, pauseMs: 0 }));
      const askBot = () =>
        checked(
          load({
            host: address,
            path: PATH,
            port: QUERY_PORT,
            connections: 1,
            warmUpMs: WARM_UP_MS,
            milliseconds,
            bots: [first],
            pauseMs: 0,
          }),
        );

      // Every bot's code is compiled by its queries, not by those of the others.
      for (const target of [port, proxyOfAll]) {
        await load({
          port: target,
          connections,
          warmUpMs: 0,
          milliseconds: warmUpMs,
          bots: all,
          pauseMs: 0,
        });
      }
      await load({ port, connections, warmUpMs: 0, milliseconds: warmUpMs / 4, bots: one, pauseMs: 0 });

      const rates: Record<'one' | 'all' | 'proxyOfOne' | 'proxyOfAll', number[]> = {
        one: [],
        all: [],
        proxyOfOne: [],
        proxyOfAll: [],
      };
      const [through, direct]: [number[], number[]] = [[], []];
      const own: Record<'one' | 'all', number[]> = { one: [], all: [] };
      /** CPU time of the server itself, per query: what the bots take of the machine is not in it. */
      const costOf = async (bots: readonly string[]) => {
        const before = cpuMsOf(server.process.pid ?? 0);
        const result = await ask(port, bots, connections);
        return { rate: rateOf(result), cpuMs: (cpuMsOf(server.process.pid ?? 0) - before) / result.asked };
      };
      for (let round = 0; round < rounds; round += 1) {
        for (const [which, bots] of [
          ['one', one],
          ['all', all],
        ] as const) {
          const { rate, cpuMs } = await costOf(bots);
          rates[which].push(rate);
          own[which].push(cpuMs);
        }
        rates.proxyOfOne.push(rateOf(await ask(proxyOfOne, one, connections)));
        rates.proxyOfAll.push(rateOf(await ask(proxyOfAll, all, connections)));
        through.push((await ask(port, one, 1)).p50Ms);
        direct.push((await askBot()).p50Ms);
      }
      const ratio = ratioOf(rates.all, rates.one);
      const ofProxy = ratioOf(rates.proxyOfAll, rates.proxyOfOne);
      const rows: Row[] = [
        {
          what: `queries per second through query-server to ${count} bots, against 1 bot`,
          figure: median(rates.all),
          unit: '/s',
          floor: median(rates.one),
          ratio,
          bar: '0.90 - 1.10',
          pass: ratio >= 0.9 && ratio <= 1.1,
        },
        {
          what: `CPU time of query-server itself per query, ${count} bots against 1`,
          figure: median(own.all) * 1_000,
          unit: 'µs',
          floor: median(own.one) * 1_000,
          ratio: ratioOf(own.all, own.one),
          bar: 'shown only',
          pass: true,
        },
        {
          what: "p50 of one connection through query-server, beside the bot's own answer",
          figure: median(through),
          unit: 'ms',
          floor: median(direct),
          ratio: median(through) / median(direct),
          bar: '<= 0.3 ms above',
          pass: median(through) - median(direct) <= 0.3,
        },
      ];
      return {
        rows,
        notes: [
          `${rounds} rounds of ${milliseconds / 1_000} s each, in turn, with ${connections} connections. The smallest proxy before the same bots, ${count} against 1: ${ofProxy.toFixed(2)} (${Math.round(median(rates.proxyOfAll))} and ${Math.round(median(rates.proxyOfOne))} /s). The load, the bots and what is between them share all processors.`,
        ],
      };
    } finally {
      endAll();
    }
  });
};

/** By bot id. */
async function addressesOf(deployment: Deployment): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { Labels, NetworkSettings } of await containersOf(deployment)) {
    const [network] = Object.values(NetworkSettings.Networks);
    found.set(Labels['runtime.id'] ?? '', network?.IPAddress ?? '');
  }
  return found;
}

/** The bot's query server is there, and the front end knows the way. */
async function answers(port: number, botId: string): Promise<void> {
  const body = JSON.stringify({ bot_id: botId, query_path: PATH, params: {}, timeout_sec: 5 });
  const isAnswered = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/query`, { method: 'POST', body });
    await response.text();
    return response.status === 200 || undefined;
  };
  await poll(`${botId} to answer`, isAnswered, PATIENCE_MS, 100);
}

async function checked(asked: Promise<LoadResult>): Promise<LoadResult> {
  const result = await asked;
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.asked} queries failed`);
  return result;
}

function rateOf({ queries, seconds }: LoadResult): number {
  return queries / seconds;
}

/** Of each round, then their median: both sides of a round had the same machine. */
function ratioOf(rates: readonly number[], others: readonly number[]): number {
  return median(rates.map((rate, round) => rate / (others[round] ?? Number.NaN)));
}
