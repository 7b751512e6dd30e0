/**
 * Asks as fast as answers come: n kept-alive connections, one query at a time on each.
 *
 *     node load.ts '{"port":9477,"connections":32,"warmUpMs":250,"milliseconds":2000,"bots":["b0",…],"pauseMs":0}'
 *
 * prints a LoadResult
 */
import { connect } from 'node:net';

export interface LoadOrder {
  readonly port: number;
  /** This host when left out. */
  readonly host?: string;
  /** A bot itself is asked on the path of its answer; left out: a front end. */
  readonly path?: string;
  readonly connections: number;
  /** What is asked in this time first is not measured: connecting, and code that is not compiled yet. */
  readonly warmUpMs: number;
  readonly milliseconds: number;
  /** Asked in turn. */
  readonly bots: readonly string[];
  /** Pause of each connection after an answer; 0 asks as fast as answers come. */
  readonly pauseMs: number;
}

export interface LoadResult {
  readonly queries: number;
  /** Those of the warm-up as well, as in `failed`. */
  readonly asked: number;
  readonly failed: number;
  readonly seconds: number;
  /** CPU time of this process per query measured. */
  readonly cpuMicroseconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const order: LoadOrder = JSON.parse(process.argv[2] ?? '{}');
const { host = '127.0.0.1', path = '/query' } = order;
const requests = order.bots.map((bot) => {
  const body = JSON.stringify({ bot_id: bot, query_path: '/status', params: { limit: 5 }, timeout_sec: 2 });
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
});
const buffer = Buffer.allocUnsafeSlow(64 * 1024);
/** One count per 10 µs up to 10 s. */
const histogram = new Uint32Array(1_000_000);
let turn = 0;
let asked = 0;
let queries = 0;
let failed = 0;
let maxMs = 0;
const startAt = performance.now() + order.warmUpMs;
const endAt = startAt + order.milliseconds;
let before = process.cpuUsage();
setTimeout(() => {
  before = process.cpuUsage();
}, order.warmUpMs);

await Promise.all(Array.from({ length: order.connections }, () => ask()));

const seconds = (performance.now() - startAt) / 1000;
const { user, system } = process.cpuUsage(before);
const result: LoadResult = {
  queries,
  asked,
  failed,
  seconds,
  cpuMicroseconds: (user + system) / queries,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  maxMs,
};
console.log(JSON.stringify(result));

function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    const socket = connect({
      host,
      port: order.port,
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          const now = performance.now();
          const tookMs = now - sentAt;
          asked += 1;
          // Small answers come in one piece, of which the hundreds of "HTTP/1.1 200" tell enough.
          if (buffer[9] !== 0x32 || length < 20) failed += 1;
          if (now >= startAt) measured(tookMs);
          if (now < endAt) afterPause(send);
          else {
            socket.destroy();
            resolve();
          }
          return true;
        },
      },
    });
    socket.on('error', reject);
    send();

    function send(): void {
      turn = (turn + 1) % requests.length;
      sentAt = performance.now();
      socket.write(requests[turn] ?? '', 'latin1');
    }
  });
}

function measured(tookMs: number): void {
  queries += 1;
  const slot = Math.min(histogram.length - 1, Math.floor(tookMs * 100));
  histogram[slot] = (histogram[slot] ?? 0) + 1;
  maxMs = Math.max(maxMs, tookMs);
}

function afterPause(send: () => void): void {
  if (order.pauseMs > 0) setTimeout(send, order.pauseMs);
  else send();
}

function percentile(part: number): number {
  const wanted = queries * part;
  let seen = 0;
  for (let slot = 0; slot < histogram.length; slot += 1) {
    seen += histogram[slot] ?? 0;
    if (seen >= wanted) return (slot + 0.5) / 100;
  }
  return Number.NaN;
}
