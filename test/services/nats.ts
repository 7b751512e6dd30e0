import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { needsBinary, startService } from './service-process.ts';

/** Options for a suite that needs a real NATS server: `describe(name, needsNats(), …)`. */
export function needsNats(): { skip: string | false } {
  return needsBinary('nats-server', 'test/services/nats.sh');
}

export interface NatsServer {
  readonly url: string;
  readonly pid: number;
  /** Ends it; its JetStream data stay for the next `start`. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/**
 * A server of its own with JetStream: a free port and an empty directory.
 * @param host where it listens
 */
export async function startNats(host = '127.0.0.1'): Promise<NatsServer> {
  const data = await mkdtemp(join(tmpdir(), 'the0-nats-'));
  const port = await freePort();
  const args = ['--addr', host, '--port', String(port), '--jetstream', '--store_dir', data];
  const launch = () => startService('nats-server', args, {}, () => greets(host, port));
  const removeData = () => rm(data, { recursive: true, force: true, maxRetries: 5 });
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
    url: `nats://${host}:${port}`,
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

/** The server speaks first. */
async function greets(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(2_000, () => answer(false));
    socket.once('data', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}
