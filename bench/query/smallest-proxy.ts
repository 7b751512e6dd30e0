/**
 * The floor: the smallest proxy that uWebSockets.js and raw sockets allow. One POST handler, one pool of kept-alive
 * connections, the body passed on and the answer's body passed back. It looks up nothing, checks nothing, has no limits, no
 * deadlines and no retries. It parses just enough to know where an answer ends, and takes for granted that its header comes
 * in one piece.
 *
 *     node smallest-proxy.ts <upstream port>     prints {"port":…}
 */

import { App, type HttpResponse, us_socket_local_port } from 'uWebSockets.js';
import { connect, type Socket } from 'node:net';

interface Upstream {
  readonly socket: Socket;
  asker: HttpResponse | null;
  body: string;
  missing: number;
}

const upstreamPort = Number(process.argv[2]);
const idle: Upstream[] = [];
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

App()
  .post('/query', (response) => {
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    response.onData((chunk) => {
      if (aborted) return;
      const body = Buffer.from(chunk).toString('latin1');
      const upstream = idle.pop() ?? open();
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

function open(): Upstream {
  const socket = connect({
    host: '127.0.0.1',
    port: upstreamPort,
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
            idle.push(upstream);
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
        idle.push(upstream);
        asker?.cork(() => {
          asker.writeHeader('Content-Type', 'application/json').end(Buffer.from(upstream.body, 'latin1'));
        });
        return true;
      },
    },
  });
  const upstream: Upstream = { socket, asker: null, body: '', missing: 0 };
  return upstream;
}
