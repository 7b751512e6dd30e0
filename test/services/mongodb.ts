import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { answersOn, type RestartableServer, startServer } from './restartable-server.ts';
import { needsBinary } from './service-process.ts';

/** Options for a suite that needs a server of MongoDB's protocol: `describe(name, needsMongo(), …)`. */
export function needsMongo(): { skip: string | false } {
  return needsBinary('mongo-java-server', 'test/services/mongodb.sh');
}

export interface MongoServer extends RestartableServer {
  readonly uri: string;
  readonly port: number;
}

/**
 * A server of its own on a free port. It has change streams, but no transactions, and `findOneAndUpdate` and
 * `findOneAndDelete` send no event.
 * @param keep whether its data outlive a stop; much slower
 * @param changeStreams as a single server of MongoDB without a replica set when false
 */
export async function startMongo({ keep = false, changeStreams = true } = {}): Promise<MongoServer> {
  const port = await freePort();
  const server = await startServer({
    binary: 'mongo-java-server',
    args: (data) => [String(port), ...(keep ? [join(data, 'data')] : [])],
    env: changeStreams ? {} : { NO_OPLOG: '1' },
    isReady: () => answersOn('127.0.0.1', port, 'connect'),
  });
  return Object.assign(server, { uri: `mongodb://127.0.0.1:${port}`, port });
}
