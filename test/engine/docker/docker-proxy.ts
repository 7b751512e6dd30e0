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
  /** Takes requests to start a container and keeps them until they are released; whoever asked may have left by then. */
  holdStarts(): void;
  /** How many it keeps. */
  heldStarts(): number;
  /** Lets the engine carry out what was kept, and waits for that. */
  releaseStarts(): Promise<void>;
  /** Requests to start a container are carried out, and their answers lost. */
  loseAnswersToStarts(): void;
  /** Before any request to remove a container reaches the engine, this is awaited. */
  beforeRemovals(act: () => Promise<void>): void;
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
  let starts: 'pass' | 'hold' | 'lose-answers' = 'pass';
  let held: Buffer[] = [];
  let beforeRemoval: (() => Promise<void>) | null = null;

  /** One request on a connection of its own. */
  const carryOut = (request: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const engine = net.connect(engineSocket).once('error', reject);
      engine.once('data', () => {
        engine.destroy();
        resolve();
      });
      engine.write(request);
    });

  const accept = (client: net.Socket) => {
    const engine = net.connect(engineSocket);
    let isEventStream = false;
    let isStart = false;
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
      // One request at a time is on a connection, and those looked for have no body.
      const head = chunk.toString('latin1', 0, 128);
      if (head.startsWith('GET /events')) isEventStream = true;
      if (head.startsWith('GET /containers/json')) lists += 1;
      isStart = /^POST \/containers\/[^/]+\/start/.test(head);
      if (isStart && starts === 'hold') held.push(chunk);
      else if (beforeRemoval !== null && head.startsWith('DELETE /containers/')) {
        beforeRemoval().then(
          () => engine.write(chunk),
          () => engine.destroy(),
        );
      } else engine.write(chunk);
    });
    engine.on('data', (chunk) => {
      if (mode === 'hang' || (mode === 'no-events' && isEventStream)) return;
      if (isStart && starts === 'lose-answers') return;
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
    holdStarts: () => {
      starts = 'hold';
    },
    heldStarts: () => held.length,
    releaseStarts: async () => {
      starts = 'pass';
      const requests = held;
      held = [];
      await Promise.all(requests.map(carryOut));
    },
    loseAnswersToStarts: () => {
      starts = 'lose-answers';
    },
    beforeRemovals: (act) => {
      beforeRemoval = act;
    },
    lists: () => lists,
  };
}
