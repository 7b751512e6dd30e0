/**
 * The floor: the smallest proxy that uWebSockets.js and raw sockets allow. One POST handler, one pool of kept-alive
 * connections, the body passed on and the answer's body passed back. It looks up nothing, checks nothing, has no limits, no
 * deadlines and no retries. It parses just enough to know where an answer ends, and takes for granted that its header comes
 * in one piece.
 *
 *     node smallest-proxy.ts <connections> <upstream port or address:port> …     prints {"port":…}
 *
 * Without `connections` (0) it opens as many as it needs and takes the one used last, as a front end does for one bot.
 * Otherwise it takes so many in turn, which go round over the ports: what as many bots cost that are asked in turn, without
 * a look at who is asked.
 */

import { App, type HttpResponse, us_socket_local_port } from 'uWebSockets.js';
import { connect, type Socket } from 'node:net';

interface Upstream {
  readonly socket: Socket;
  asker: HttpResponse | null;
  body: string;
  missing: number;
}

const connections = Number(process.argv[2] ?? 0);
const upstreams = process.argv.slice(3).map((text) => {
  const [host, port] = text.includes(':') ? text.split(':') : ['127.0.0.1', text];
  return { host, port: Number(port) };
});
const buffer = Buffer.allocUnsafeSlow(64 * 1024);
/** The one used last is at the end. */
const idle: Upstream[] = [];
/** Taken in turn; null before the first time and when the bot has closed it. */
const all = Array.from({ length: connections }, (): Upstream | null => null);
let turn = 0;

App()
  .post('/query', (response) => {
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    response.onData((chunk) => {
      if (aborted) return;
      const body = Buffer.from(chunk).toString('latin1');
      const upstream = connections > 0 ? inTurn() : (idle.pop() ?? open(0));
      upstream.asker = response;
      upstream.socket.write(
        `POST /status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        'latin1',
      );
    });
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket !== false) console.log(JSON.stringify({ port: us_socket_local_port(socket) }));
  });

/** Nobody asks as many at one time as there are: one is free. */
function inTurn(): Upstream {
  for (;;) {
    turn = (turn + 1) % connections;
    const upstream = all[turn];
    if (upstream === null || upstream === undefined) {
      const opened = open(turn % upstreams.length);
      all[turn] = opened;
      return opened;
    }
    if (upstream.asker === null) return upstream;
  }
}

/** Bots close what was not used for long, while others are measured. */
function forget(upstream: Upstream): void {
  const at = idle.indexOf(upstream);
  if (at >= 0) idle.splice(at, 1);
  const place = all.indexOf(upstream);
  if (place >= 0) all[place] = null;
}

/** @param nth of the given upstreams */
function open(nth: number): Upstream {
  const { host = '127.0.0.1', port = 0 } = upstreams[nth] ?? {};
  const socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer,
      callback: (length) => {
        const { asker } = upstream;
        if (upstream.missing === 0) {
          const bodyFrom = buffer.indexOf('\r\n\r\n') + 4;
          const lengthFrom = buffer.indexOf('Content-Length: ') + 16;
          const bodyLength = Number.parseInt(buffer.toString('latin1', lengthFrom, lengthFrom + 10), 10);
          if (length - bodyFrom === bodyLength) {
            upstream.asker = null;
            if (connections === 0) idle.push(upstream);
            asker?.cork(() => {
              asker.writeHeader('Content-Type', 'application/json').end(buffer.subarray(bodyFrom, length));
            });
            return true;
          }
          upstream.body = buffer.toString('latin1', bodyFrom, length);
          upstream.missing = bodyLength - upstream.body.length;
          return true;
        }
        upstream.body += buffer.toString('latin1', 0, length);
        upstream.missing -= length;
        if (upstream.missing > 0) return true;
        upstream.asker = null;
        if (connections === 0) idle.push(upstream);
        asker?.cork(() => {
          asker.writeHeader('Content-Type', 'application/json').end(Buffer.from(upstream.body, 'latin1'));
        });
        return true;
      },
    },
  });
  const upstream: Upstream = { socket, asker: null, body: '', missing: 0 };
  socket.on('close', () => forget(upstream));
  return upstream;
}
