/**
 * Words of this folder. A *point* is one small life of a bot with its agent, in which something goes wrong at a moment that
 * a seed decides: a *break* (the agent is killed, or its connection cut, at a step of a request), a *fault* of the network or
 * the store, a full disk, a second container, an edit by the API. The *journal* holds every version the bot has written.
 * After each point the store is held against it.
 */
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * How far a request has come: its head is here; half of it, or all of it, is with the store; the store has done it; half of
 * the answer, or all of it, is with the agent.
 */
export const MOMENTS = ['arrived', 'half-sent', 'sent', 'done', 'half-answered', 'answered'] as const;
export type Moment = (typeof MOMENTS)[number];

export type Fault =
  | { readonly kind: 'none' }
  /** So much after that moment `strike` is called, and the connection is cut. */
  | { readonly kind: 'break'; readonly at: Moment; readonly afterMs: number; readonly strike: () => void }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is cut, and the store gets the request all the same, so much later. */
  | { readonly kind: 'late'; readonly ms: number }
  /** The store gets it twice, one after the other; the agent has one of the answers. */
  | { readonly kind: 'twice'; readonly answer: 'first' | 'second' }
  /** An answer that is not the store's, which has got the request or not. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string | null; readonly reached: boolean };

type Break = Extract<Fault, { kind: 'break' }>;

export interface SeenRequest {
  /** From 1 on, since the plan was made. */
  readonly number: number;
  readonly method: string;
  readonly target: string;
  /** It names the version it is about. */
  readonly conditional: boolean;
}

export type Plan = (request: SeenRequest) => Fault;

/** What a store does that is not there: it refuses connections, or takes them and says nothing, or something before it answers. */
export const AWAY = ['refuses', 'silent', 'busy'] as const;
export type Away = (typeof AWAY)[number];

export const NO_FAULT: Fault = { kind: 'none' };
const MOST_TRACE_LINES = 400;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Stands between one agent and the store, and does to each request what the plan says. */
export class FaultProxy {
  /** What was done, for whoever has to understand a failure. */
  readonly trace: string[] = [];
  readonly endpoint: string;
  readonly #server: Server;
  readonly #store: { readonly host: string; readonly port: number };
  readonly #toStore = new http.Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  readonly #underWay = new Set<Promise<unknown>>();
  #plan: Plan = () => NO_FAULT;
  #number = 0;
  #away: Away | null = null;
  /** Told of every request that the store has done, and that may have changed what it holds. */
  onDone: (target: string) => void = () => {};

  private constructor(server: Server, store: string) {
    const { port } = addressOf(server);
    const [host = '', storePort = ''] = store.split(':');
    this.#server = server;
    this.#store = { host, port: Number(storePort) };
    this.endpoint = `127.0.0.1:${port}`;
    server.on('connection', (socket: Socket) => {
      if (this.#away === 'refuses') {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const served = this.#serve(request, response).catch((error: unknown) => {
        // The agent has gone, or the store has: either ends the connection.
        this.#note(`${request.method} ${request.url}: ${error instanceof Error ? error.message : error}`);
        request.socket.destroy();
      });
      this.#underWay.add(served);
      void served.finally(() => this.#underWay.delete(served));
    });
  }

  /** @param store `host:port` */
  static async start(store: string): Promise<FaultProxy> {
    const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultProxy(server, store);
  }

  /** Requests are counted anew from here. */
  set plan(plan: Plan) {
    this.#number = 0;
    this.#plan = plan;
  }

  /** Null: the store is there. Connections do not outlast a change. */
  set away(away: Away | null) {
    this.#away = away;
    this.#note(away === null ? 'the store is back' : `the store goes away: ${away}`);
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on all goes well; what was late has arrived. */
  async calm(): Promise<void> {
    this.plan = () => NO_FAULT;
    this.#note('calm');
    await Promise.allSettled(this.#underWay);
  }

  async close(): Promise<void> {
    await this.calm();
    this.#server.closeAllConnections();
    this.#toStore.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #note(line: string): void {
    this.trace.push(line);
    if (this.trace.length > MOST_TRACE_LINES) this.trace.shift();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: target = '', headers, socket } = request;
    if (this.#away === 'silent') return;
    if (this.#away === 'busy') {
      await bytesOf(request);
      return send(response, invented(503, 'SlowDown'));
    }
    const conditional = headers['if-match'] !== undefined;
    const fault = this.#plan({ number: ++this.#number, method, target, conditional });
    const said = fault.kind === 'none' ? '' : `: ${JSON.stringify(fault)}`;
    const line = this.trace.push(`${this.#number} ${method} ${target}${said}`) - 1;
    const answered = (text: string) => {
      this.trace[line] += ` -> ${text}`;
    };
    if (this.trace.length > MOST_TRACE_LINES) this.trace.splice(0, MOST_TRACE_LINES / 2);

    if (fault.kind === 'break' && fault.at === 'arrived') return breakOff(fault, socket);
    const body = await bytesOf(request);
    switch (fault.kind) {
      case 'none': {
        const answer = await this.#forward(request, body);
        answered(String(answer.status));
        return send(response, answer);
      }
      case 'delay':
        await delay(fault.ms);
        return send(response, await this.#forward(request, body));
      case 'late':
        socket.destroy();
        await delay(fault.ms);
        answered(String((await this.#forward(request, body)).status));
        return;
      case 'twice': {
        const first = await this.#forward(request, body);
        const second = await this.#forward(request, body);
        answered(`${first.status} and ${second.status}`);
        return send(response, fault.answer === 'first' ? first : second);
      }
      case 'answer':
        if (fault.reached) answered(String((await this.#forward(request, body)).status));
        return send(response, invented(fault.status, fault.code));
      case 'break':
        return this.#breakAt(fault, request, response, body);
    }
  }

  async #breakAt(fault: Break, request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const { socket, method = '' } = request;
    if (fault.at === 'half-sent') {
      await this.#forwardHalf(request, body);
      return breakOff(fault, socket);
    }
    const forwarded = this.#forward(request, body);
    const broken = fault.at === 'sent' ? breakOff(fault, socket) : null;
    const answer = await forwarded;
    if (broken !== null) return await broken;
    if (fault.at === 'done') return breakOff(fault, socket);
    if (fault.at === 'answered') {
      await send(response, answer);
      return breakOff(fault, socket);
    }
    const bytes = serialized(method, answer);
    await new Promise<void>((resolve) => socket.write(bytes.subarray(0, bytes.length >> 1), () => resolve()));
    await breakOff(fault, socket);
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const passed = http.request(
        {
          ...this.#store,
          agent: this.#toStore,
          method: request.method,
          path: request.url,
          headers: [...request.rawHeaders],
        },
        (answer) => {
          bytesOf(answer).then((bytes) => {
            const status = answer.statusCode ?? 0;
            if (request.method !== 'GET' && request.method !== 'HEAD' && status < 300) this.onDone(request.url ?? '');
            resolve({ status, headers: headersOf(answer, bytes), body: bytes });
          }, reject);
        },
      );
      passed.once('error', reject);
      passed.end(body);
    });
  }

  /** On a connection of its own, which then breaks. */
  async #forwardHalf(request: IncomingMessage, body: Buffer): Promise<void> {
    const socket = new Socket();
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.once('error', () => resolve());
      socket.connect(this.#store.port, this.#store.host, () => {
        const lines = request.rawHeaders.flatMap((name, at, all) =>
          at % 2 === 0 ? `${name}: ${all[at + 1]}\r\n` : [],
        );
        const head = Buffer.from(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
        const all = Buffer.concat([head, body]);
        socket.write(all.subarray(0, body.length > 0 ? head.length + (body.length >> 1) : head.length >> 1), () =>
          socket.destroy(),
        );
      });
    });
  }
}

async function breakOff({ afterMs, strike }: Break, socket: Socket): Promise<void> {
  if (afterMs > 0) await delay(afterMs);
  strike();
  socket.destroy();
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy listens nowhere');
  return address;
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** As an S3 store words it; without a code as something in front of it does. */
function invented(status: number, code: string | null): Answer {
  const text =
    code === null
      ? '<html>the gateway has nothing to say</html>'
      : `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as planned</Message></Error>`;
  const body = Buffer.from(text);
  const type = code === null ? 'text/html' : 'application/xml';
  return { status, headers: { 'content-type': type, 'content-length': `${body.length}` }, body };
}

/** @returns when it is on its way, or there is nobody to have it */
function send(response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed || response.req.socket.destroyed) return resolve();
    response.once('close', () => resolve());
    response.sendDate = false;
    response.writeHead(status, headers).end(response.req.method === 'HEAD' ? '' : body);
  });
}

function serialized(method: string, { status, headers, body }: Answer): Buffer {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n${fields.join('')}\r\n`);
  return method === 'HEAD' ? head : Buffer.concat([head, body]);
}

const FRAMING = ['transfer-encoding', 'connection', 'keep-alive'];

/** Those of an answer that was read to its end, and is sent on in one piece. */
function headersOf(message: IncomingMessage, body: Buffer): Record<string, string> {
  const kept = Object.entries(message.headers).filter(([name]) => !FRAMING.includes(name));
  const headers = Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
  const hasLength = headers['content-length'] !== undefined || message.statusCode === 204;
  return hasLength ? headers : { ...headers, 'content-length': String(body.length) };
}
