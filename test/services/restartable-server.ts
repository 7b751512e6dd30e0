import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceProcess, startService } from './service-process.ts';

/** A server of a test's own, with a directory of its own. */
export interface RestartableServer {
  /** 0 while it does not run. */
  readonly pid: number;
  /** Ends it; what it keeps in its directory stays for the next `start`. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

export interface ServerPlan {
  /** See `serviceBinary`. */
  readonly binary: string;
  /** @param data an empty directory, the same at each start */
  readonly args: (data: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly isReady: () => Promise<boolean>;
}

export async function startServer({ binary, args, env = {}, isReady }: ServerPlan): Promise<RestartableServer> {
  const data = await mkdtemp(join(tmpdir(), `the0-${binary}-`));
  const launch = () => startService(binary, args(data), env, isReady);
  let server: ServiceProcess | null = null;
  const stop = async () => {
    await server?.stop();
    server = null;
  };
  const remove = async () => {
    await stop();
    await rm(data, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    server = await launch();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    get pid() {
      return server?.pid ?? 0;
    },
    stop,
    start: async () => {
      server ??= await launch();
    },
    remove,
  };
}

/** Whether somebody listens there; with `data`, whether they also speak first. */
export async function answersOn(host: string, port: number, sign: 'connect' | 'data'): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(2_000, () => answer(false));
    socket.once(sign, () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}
