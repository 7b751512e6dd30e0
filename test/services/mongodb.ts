import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { needsBinary, startService } from './service-process.ts';

/** Options for a suite that needs a server of MongoDB's protocol: `describe(name, needsMongo(), …)`. */
export function needsMongo(): { skip: string | false } {
  return needsBinary('mongo-java-server', 'test/services/mongodb.sh');
}

export interface MongoServer {
  readonly uri: string;
  readonly port: number;
  readonly pid: number;
  /** Ends it; what it keeps in a file stays for the next `start`. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/**
 * A server of its own on a free port. It has change streams, but no transactions, and `findOneAndUpdate` and
 * `findOneAndDelete` send no event.
 * @param keep whether its data outlive a stop; much slower
 * @param changeStreams as a single server of MongoDB without a replica set when false
 */
export async function startMongo({ keep = false, changeStreams = true } = {}): Promise<MongoServer> {
  const port = await freePort();
  const data = keep ? await mkdtemp(join(tmpdir(), 'the0-mongodb-')) : null;
  const args = [String(port), ...(data === null ? [] : [join(data, 'data')])];
  const env: Record<string, string> = changeStreams ? {} : { NO_OPLOG: '1' };
  const launch = () => startService('mongo-java-server', args, env, () => isListening(port));
  const removeData = () => (data === null ? null : rm(data, { recursive: true, force: true, maxRetries: 5 }));
  let server: Awaited<ReturnType<typeof launch>> | null;
  try {
    server = await launch();
  } catch (error) {
    await removeData();
    throw error;
  }
  const stop = async () => {
    await server?.stop();
    server = null;
  };
  return {
    uri: `mongodb://127.0.0.1:${port}`,
    port,
    get pid() {
      return server?.pid ?? 0;
    },
    stop,
    start: async () => {
      server ??= await launch();
    },
    remove: async () => {
      await stop();
      await removeData();
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(2_000, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
