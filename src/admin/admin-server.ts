import { chmodSync, existsSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { errnoOf } from '../errno.ts';
import { AdminSocketError } from './admin-errors.ts';
import { type AdminParts, createAdminHandler } from './admin-routes.ts';
import { makeStandIn, type SocketPlace, socketPlace } from './socket-path.ts';

export interface AdminServerOptions extends AdminParts {
  /** As configured; a path too long for a socket is stood in for (see `socket-path.ts`). */
  readonly socketPath: string;
  /** Commands at the same time; more are refused by closing their connection. */
  readonly connections: number;
}

export interface AdminServer {
  /** Where clients connect; differs from the option only when that is too long. */
  readonly socketPath: string;
  /**
   * A socket that nobody listens on is replaced, one that is alive is refused.
   * @throws AdminSocketError
   */
  start(): Promise<void>;
  /** Ends followed logs at once, lets other replies finish for at most `graceMs` (default: `closeGraceMs`), removes the socket. */
  close(graceMs?: number): Promise<void>;
}

/** Serves the admin API (see `wire.ts`). Only on a main thread: the mode of the socket is set through the process's umask. */
export function createAdminServer(options: AdminServerOptions): AdminServer {
  const place = socketPlace(options.socketPath);
  const closing = new AbortController();
  const server = createServer(createAdminHandler(options, closing.signal));
  server.maxConnections = options.connections;
  server.headersTimeout = options.limits.requestMs;
  server.requestTimeout = options.limits.requestMs;
  server.on('clientError', (_error, socket) => socket.destroy());

  return {
    socketPath: place.path,
    async start() {
      await clearWay(place);
      await listen(server, place);
      server.on('error', options.onError);
    },
    async close(graceMs = options.limits.closeGraceMs) {
      if (!server.listening) return;
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const impatience = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(impatience);
    },
  };
}

async function clearWay(place: SocketPlace): Promise<void> {
  if (place.standIn === null) makeFolder(dirname(place.path));
  else makeStandIn(place);

  const stats = lstatSync(place.path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new AdminSocketError(
      'admin-socket-unusable',
      `${place.path} is in the way of the admin socket and is not a socket`,
      'move it away, or choose another --admin',
    );
  }
  if (await somebodyListens(place.path)) {
    throw new AdminSocketError(
      'admin-socket-in-use',
      `a runtime already answers on ${place.path}`,
      'npx the0-runtime ls shows what it runs, npx the0-runtime down ends it; a second one needs its own --data-dir',
    );
  }
  unlinkSync(place.path);
}

/** @throws AdminSocketError */
function makeFolder(folder: string): void {
  try {
    makeDirectory(folder);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the folder ${folder} for the admin socket cannot be made: ${reason}`;
    throw new AdminSocketError('admin-socket-unusable', message, 'choose another --admin', { cause });
  }
}

/**
 * With its parents. Node's own `recursive` tries for ever where a file system answers "no such file" although the parent is
 * there, as /proc does.
 */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' && statSync(path).isDirectory()) return;
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path || existsSync(dirname(path))) throw error;
    makeDirectory(dirname(path));
    makeDirectory(path);
  }
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = errnoOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      // A full backlog means that somebody is there.
      else if (code === 'EAGAIN') resolve(true);
      else {
        const hint = 'choose another --admin, or remove it when no runtime uses it';
        reject(
          new AdminSocketError('admin-socket-unusable', `${path} cannot be used (${code})`, hint, { cause: error }),
        );
      }
    });
  });
}

function listen(server: Server, place: SocketPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const hint = 'choose another --data-dir or --admin';
      reject(
        new AdminSocketError('admin-socket-unusable', `cannot listen on ${place.path}: ${cause.message}`, hint, {
          cause,
        }),
      );
    });
    // Binding happens inside `listen`, so nobody else can connect between making the socket and narrowing its mode.
    const umask = process.umask(0o177);
    try {
      server.listen(place.path, () => {
        server.removeAllListeners('error');
        chmodSync(place.path, 0o600);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}
