import { connect, type Socket } from 'node:net';

/** Of the protocol, and far more than a server says about itself. */
const MOST_LINE_BYTES = 64 * 1024;

export interface NatsPublisherOptions {
  /** As contract 1.2: one or more `nats://[user[:password]@|token@]host[:port]`, separated by commas. */
  readonly servers: string;
  readonly name: string;
  readonly reconnectMs: number;
  readonly reconnectCapMs: number;
  /** After so long without a word the connection is broken. */
  readonly silenceMs: number;
  /** What may be held back for a slow server; more is dropped: the stored log has every line. */
  readonly unsentBytes: number;
  /** Told whenever the connection is lost or refused, and when it is there again (null). Holds no credential. */
  readonly onTrouble: (message: string | null) => void;
}

interface Server {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly user: string;
  readonly password: string;
}

/**
 * Publishes to NATS and does nothing else. The protocol of a publisher is four words of text, while the client package
 * costs every bot's agent several megabytes. Nothing is ever awaited: what cannot be sent now is dropped.
 *
 * Connects and reconnects for ever, with growing pauses, to one server after the other (contract 3.5).
 */
export class NatsPublisher {
  readonly #options: NatsPublisherOptions;
  readonly #servers: readonly Server[];
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #ready = false;
  #attempts = 0;
  #troubled = false;
  #maxPayload = 1024 * 1024;
  #unparsed = '';

  /** @throws Error for an address that cannot be read; names no credential */
  constructor(options: NatsPublisherOptions) {
    this.#options = options;
    this.#servers = options.servers.split(',').map(parseServer);
    this.#connect();
  }

  get connected(): boolean {
    return this.#ready;
  }

  get maxPayloadBytes(): number {
    return this.#maxPayload;
  }

  /** @returns whether it was sent on its way */
  publish(subject: string, payload: Buffer): boolean {
    const socket = this.#socket;
    if (socket === null || !this.#ready || payload.length > this.#maxPayload) return false;
    if (socket.writableLength + payload.length > this.#options.unsentBytes) return false;
    socket.cork();
    socket.write(`PUB ${subject} ${payload.length}\r\n`);
    socket.write(payload);
    socket.write('\r\n');
    socket.uncork();
    return true;
  }

  /** Sends what is on its way, for at most so long, and ends. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => socket.destroy(), deadlineMs);
      socket.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      if (this.#ready) socket.end();
      else socket.destroy();
    });
  }

  #connect(): void {
    const server = this.#servers[this.#attempts % this.#servers.length];
    if (server === undefined) return;
    const socket = connect(server.port, server.host);
    this.#socket = socket;
    this.#unparsed = '';
    let cause = 'the connection was closed';
    socket.setNoDelay(true);
    socket.setTimeout(this.#options.silenceMs, () => socket.destroy(new Error('no answer')));
    socket.on('error', (error) => {
      cause = error.message;
    });
    socket.on('data', (chunk: Buffer) => {
      const refusal = this.#receive(chunk, server);
      if (refusal !== null) {
        cause = refusal;
        socket.destroy();
      }
    });
    socket.on('close', () => this.#lost(socket, server, cause));
  }

  /** @returns why this server will not do, or null */
  #receive(chunk: Buffer, server: Server): string | null {
    const lines = (this.#unparsed + chunk.toString('latin1')).split('\r\n');
    this.#unparsed = lines.pop() ?? '';
    if (this.#unparsed.length > MOST_LINE_BYTES) return 'it does not speak NATS';
    for (const line of lines) {
      if (line.startsWith('INFO ')) {
        const refusal = this.#introduce(line.slice('INFO '.length), server);
        if (refusal !== null) return refusal;
      } else if (line === 'PING') {
        this.#socket?.write('PONG\r\n');
      } else if (line === 'PONG') {
        this.#greeted();
      } else if (line.startsWith('-ERR')) {
        return line.slice('-ERR '.length, 200);
      }
    }
    return null;
  }

  #introduce(text: string, server: Server): string | null {
    let info: unknown;
    try {
      info = JSON.parse(text);
    } catch {
      return 'it does not speak NATS';
    }
    if (typeof info !== 'object' || info === null) return 'it does not speak NATS';
    if (('tls_required' in info && info.tls_required === true) || server.tls) {
      return 'it asks for TLS, which live logs do not support';
    }
    const most = 'max_payload' in info ? info.max_payload : null;
    if (typeof most === 'number' && Number.isSafeInteger(most) && most > 0) this.#maxPayload = most;
    // Sent again whenever the cluster changes.
    if (this.#ready) return null;
    const credentials =
      server.password === ''
        ? { ...(server.user === '' ? {} : { auth_token: server.user }) }
        : { user: server.user, pass: server.password };
    const options = { verbose: false, pedantic: false, lang: 'node', version: '1', name: this.#options.name };
    this.#socket?.write(`CONNECT ${JSON.stringify({ ...options, ...credentials })}\r\nPING\r\n`);
    return null;
  }

  #greeted(): void {
    this.#ready = true;
    this.#attempts = 0;
    if (this.#troubled) this.#options.onTrouble(null);
    this.#troubled = false;
  }

  #lost(socket: Socket, server: Server, cause: string): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#ready = false;
    if (!this.#troubled) this.#options.onTrouble(`no live log: NATS at ${server.host}:${server.port}: ${cause}`);
    this.#troubled = true;
    const { reconnectMs, reconnectCapMs } = this.#options;
    const round = Math.floor(this.#attempts / this.#servers.length);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#connect(), Math.min(reconnectMs * 2 ** Math.min(round, 20), reconnectCapMs));
  }
}

/** Subject of a bot's live log (contract 3.4). */
export function liveLogSubject(botId: string): string {
  return `the0.bot.logs.${botId.replace(/[^A-Za-z0-9_-]/gu, '_') || 'unknown'}`;
}

function parseServer(text: string): Server {
  const trimmed = text.trim();
  let url: URL;
  try {
    url = new URL(trimmed.includes('://') ? trimmed : `nats://${trimmed}`);
  } catch {
    throw new Error('NATS_URL is not an address such as nats://host:4222');
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 4222 : Number(url.port),
    tls: url.protocol === 'tls:',
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}
