import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** What is answered instead of the store, so many times. */
export interface Refusal {
  readonly status: 403 | 503;
  readonly times: number;
}

const CODES = { 403: 'AccessDenied', 503: 'SlowDown' } as const;

/** A way to an object store on which single objects can be had no more, as the store itself would say it. */
export class TroubledStore {
  readonly endpoint: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #troubles = new Map<string, Refusal>();

  private constructor(server: ReturnType<typeof createServer>, endpoint: string) {
    this.#server = server;
    this.endpoint = endpoint;
  }

  /** @param target `host:port` */
  static async start(target: string): Promise<TroubledStore> {
    const [host, port] = target.split(':');
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('there is no port');
    const store = new TroubledStore(server, `127.0.0.1:${address.port}`);
    server.on('request', (asked, answer) => {
      const { method, url = '', headers } = asked;
      const { pathname } = new URL(url, 'http://store');
      const trouble = store.#troubles.get(pathname);
      if (trouble !== undefined && trouble.times > 0) {
        store.#troubles.set(pathname, { ...trouble, times: trouble.times - 1 });
        const body = `<?xml version="1.0"?><Error><Code>${CODES[trouble.status]}</Code><Message>Not now.</Message></Error>`;
        asked.resume();
        answer.writeHead(trouble.status, { 'content-type': 'application/xml' }).end(method === 'HEAD' ? '' : body);
        return;
      }
      // With the headers as they are, for they are signed.
      const passed = request({ host, port, method, path: url, headers }, (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(answer);
      });
      passed.on('error', () => answer.destroy());
      asked.pipe(passed);
    });
    return store;
  }

  /** From now on, for so many requests for the object. */
  refuse(bucket: string, key: string, refusal: Refusal): void {
    this.#troubles.set(`/${bucket}/${key}`, refusal);
  }

  mend(bucket: string, key: string): void {
    this.#troubles.delete(`/${bucket}/${key}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
