import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A socket in front of the real engine that can misbehave, so that the engine itself need not be stopped. */
export interface DockerProxy {
  readonly socketPath: string;
  /** Ends all connections and refuses new ones. */
  cut(): void;
  /** After a cut: everything passes again. */
  restore(): void;
  /** Takes requests and answers none. */
  hang(): void;
  /** Lets answers pass, except those on connections that carry an event stream. */
  swallowEvents(): void;
  /** How many lists of containers were asked for. */
  lists(): number;
}

/** @param t a test, or whatever else cleans up at its end */
export async function dockerProxy(t: { after(cleanUp: () => Promise<void>): void }): Promise<DockerProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'docker-proxy-'));
  const socketPath = join(folder, 'docker.sock');
  const engineSocket = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');
  const open = new Set<net.Socket>();
  let mode: 'pass' | 'hang' | 'no-events' = 'pass';
  let lists = 0;

  const accept = (client: net.Socket) => {
    const engine = net.connect(engineSocket);
    let isEventStream = false;
    for (const socket of [client, engine]) {
      open.add(socket);
      // An end of one is the end of the other; which one failed first does not matter here.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        engine.destroy();
      });
    }
    client.on('data', (chunk) => {
      const head = chunk.toString('latin1', 0, 64);
      if (head.startsWith('GET /events')) isEventStream = true;
      if (head.startsWith('GET /containers/json')) lists += 1;
      engine.write(chunk);
    });
    engine.on('data', (chunk) => {
      if (mode === 'hang' || (mode === 'no-events' && isEventStream)) return;
      client.write(chunk);
    });
  };
  let server = net.createServer(accept).listen(socketPath);
  const end = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  t.after(async () => {
    end();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    socketPath,
    cut: () => {
      end();
      rmSync(socketPath, { force: true });
    },
    restore: () => {
      mode = 'pass';
      server = net.createServer(accept).listen(socketPath);
    },
    hang: () => {
      mode = 'hang';
    },
    swallowEvents: () => {
      mode = 'no-events';
    },
    lists: () => lists,
  };
}
