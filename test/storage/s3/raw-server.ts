import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3/open-s3-store.ts';
import { DEFAULT_S3_LIMITS, type S3Limits } from '../../../src/storage/s3-api/s3-limits.ts';

export interface RawServer {
  readonly store: ObjectStore;
  /** Everything each connection received so far, the oldest first. */
  readonly received: string[];
  readonly connections: Socket[];
}

export const SECRET = 'a-very-secret-key';

/**
 * A store whose server is a bare socket: `onRequest` is called for each request head (not its body) with the number of its
 * connection and its own number on that connection, both from 0.
 */
export async function rawServer(
  t: TestContext,
  onRequest: (socket: Socket, connection: number, request: number) => void,
  limits: Partial<S3Limits> = {},
): Promise<RawServer> {
  const connections: Socket[] = [];
  const received: string[] = [];
  const server: Server = createServer((socket) => {
    const number = connections.push(socket) - 1;
    received.push('');
    let heads = 0;
    socket.on('error', () => {}); // The client may break off; that is what is tested.
    socket.on('data', (chunk: Buffer) => {
      received[number] += chunk.toString('latin1');
      const found = (received[number] ?? '').match(/ HTTP\/1\.1\r\n[\s\S]*?\r\n\r\n/g)?.length ?? 0;
      while (heads < found) onRequest(socket, number, heads++);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const access = { endpoint: `127.0.0.1:${address.port}`, ssl: false, accessKey: 'an-access-key', secretKey: SECRET };
  const store = openS3Store({ ...access, sessionToken: 'a-session-token' }, { ...DEFAULT_S3_LIMITS, ...limits });
  t.after(() => {
    store.close();
    for (const socket of connections) socket.destroy();
    server.close();
  });
  return { store, received, connections };
}

/** An answer as a store gives it. */
export function answer(status: string, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = { 'Content-Length': String(Buffer.byteLength(body)), ETag: '"e1"', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`;
}
