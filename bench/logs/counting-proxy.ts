import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** The end of a request line of HTTP/1.1. */
const REQUEST = / HTTP\/1\.1\r\n/g;
const LONGEST_MATCH = ' HTTP/1.1\r\n'.length;

/** Passes everything on, and counts what the client sends. */
export class CountingProxy {
  requests = 0;
  bytesUp = 0;
  bytesDown = 0;
  readonly endpoint: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.#server = server;
    this.endpoint = `127.0.0.1:${port}`;
  }

  /** @param target `host:port` */
  static async start(target: string): Promise<CountingProxy> {
    const [host = '', port = ''] = target.split(':');
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    const proxy = new CountingProxy(server, address.port);
    server.on('connection', (client) => proxy.#join(client, connect(Number(port), host)));
    return proxy;
  }

  /** Since the last call. */
  take(): { readonly requests: number; readonly bytesUp: number; readonly bytesDown: number } {
    const { requests, bytesUp, bytesDown } = this;
    this.requests = 0;
    this.bytesUp = 0;
    this.bytesDown = 0;
    return { requests, bytesUp, bytesDown };
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, store: Socket): void {
    let tail = '';
    client.on('data', (chunk: Buffer) => {
      this.bytesUp += chunk.length;
      const text = tail + chunk.toString('latin1');
      this.requests += text.match(REQUEST)?.length ?? 0;
      tail = text.slice(text.length - LONGEST_MATCH + 1);
    });
    store.on('data', (chunk: Buffer) => {
      this.bytesDown += chunk.length;
    });
    client.pipe(store).pipe(client);
    for (const socket of [client, store]) {
      this.#sockets.add(socket);
      // The other end goes with it; either side may break off.
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        store.destroy();
      });
    }
  }
}
