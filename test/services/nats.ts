import { freePort } from './free-port.ts';
import { answersOn, type RestartableServer, startServer } from './restartable-server.ts';
import { needsBinary } from './service-process.ts';

/** Options for a suite that needs a real NATS server: `describe(name, needsNats(), …)`. */
export function needsNats(): { skip: string | false } {
  return needsBinary('nats-server', 'test/services/nats.sh');
}

/** Its JetStream data outlive a stop. */
export interface NatsServer extends RestartableServer {
  readonly url: string;
}

/**
 * A server of its own with JetStream: a free port and an empty directory.
 * @param host where it listens
 * @param more further arguments
 */
export async function startNats(host = '127.0.0.1', more: readonly string[] = []): Promise<NatsServer> {
  const port = await freePort();
  const server = await startServer({
    binary: 'nats-server',
    args: (data) => ['--addr', host, '--port', String(port), '--jetstream', '--store_dir', data, ...more],
    isReady: () => answersOn(host, port, 'data'),
  });
  return Object.assign(server, { url: `nats://${host}:${port}` });
}
