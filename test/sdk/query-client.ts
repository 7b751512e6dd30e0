/** The test's side of a query server: starts one, and talks to it in well-behaved and in rude ways. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type RunningProgram, type SdkDriver, scratchDirectory, startProgram, until } from './sdk-driver.ts';

export interface QueryServer extends RunningProgram {
  readonly port: number;
  readonly scratch: string;
}

/** Starts the query program of the tests (or `program`) as a server and waits until it listens, on a port of its own choice. */
export async function startQueryServer(
  t: TestContext,
  driver: SdkDriver,
  options: { readonly env?: Record<string, string>; readonly scratch?: string; readonly program?: string } = {},
): Promise<QueryServer> {
  const scratch = options.scratch ?? scratchDirectory(t);
  const env = { BOT_TYPE: 'realtime', THE0_QUERY_PORT: '0', THE0_QUERY_HOST: '127.0.0.1', ...options.env };
  const program = startProgram(t, driver, options.program ?? 'queries', { scratch, env });
  const started = /Query server started on port (\d+)/;
  await until(() => started.test(program.output().stderr) || program.child.exitCode !== null, 'the query server');
  const port = Number(started.exec(program.output().stderr)?.[1]);
  if (Number.isNaN(port)) throw new Error(`The query server did not start: ${program.output().stderr}`);
  return { ...program, port, scratch };
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks with Node's own `fetch`, whose HTTP parser is strict. */
export async function ask(server: QueryServer, path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { status: response.status, body: await response.json() };
}

/** The data of an answer that must be ok. */
export async function dataOf(server: QueryServer, path: string, init?: RequestInit): Promise<unknown> {
  const { status, body } = await ask(server, path, init);
  if (status !== 200 || typeof body !== 'object' || body === null || !('data' in body)) {
    throw new Error(`${path} gave ${status} ${JSON.stringify(body)}`);
  }
  return body.data;
}

/** Opens a connection and sends `text` (nothing when empty). */
export async function send(t: TestContext, server: QueryServer, text: string): Promise<Socket> {
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  t.after(() => socket.destroy());
  socket.on('error', () => {}); // a server may reset rude connections; what counts is what was read
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

/** All that comes until the server closes the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/** Sends a whole request as written and returns the whole answer. It must ask for the connection to be closed. */
export async function exchange(t: TestContext, server: QueryServer, text: string): Promise<string> {
  return readToEnd(await send(t, server, text));
}

/** Path of a marker file by which a handler and a test tell each other how far they are. */
export function marker(server: QueryServer, name: string): string {
  return join(server.scratch, name);
}
