import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../actors/observation.ts';
import { BotAnswer } from './bot-answer.ts';
import type { HeldBytes } from './held-bytes.ts';
import { ResponseReader } from './response-reader.ts';
import type { UpstreamCall } from './upstream-call.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** Who opened the connection. Each `send` ends with one call of `answered` or `failed`, unless `destroy` comes first. */
export interface ConnectionOwner {
  /** The answer is valid during this call only. */
  answered(connection: UpstreamConnection, call: UpstreamCall, answer: BotAnswer): void;
  /** The connection is gone. `started`: part of the response had come. */
  failed(connection: UpstreamConnection, call: UpstreamCall, error: Error, started: boolean): void;
  /** Closed or broken while idle. Called once. */
  lost(connection: UpstreamConnection): void;
}

/** One socket to one bot, with one request at a time. */
export class UpstreamConnection {
  /** Answers so far. More than none: the bot may have closed its end without our knowing. */
  served = 0;
  /** When it became idle; milliseconds of `performance.now()`. */
  idleSince = 0;
  /** Neighbours among the idle connections; kept by those. */
  older: UpstreamConnection | null = null;
  newer: UpstreamConnection | null = null;

  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #answer: BotAnswer;
  readonly #reader: ResponseReader;
  #call: UpstreamCall | null = null;
  #gone = false;

  constructor(endpoint: Endpoint, owner: ConnectionOwner, answerBytes: number, held: HeldBytes) {
    this.#owner = owner;
    this.#answer = new BotAnswer(answerBytes, held);
    this.#reader = new ResponseReader(this.#answer);
    this.#socket = connect({
      host: endpoint.host,
      port: endpoint.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length: number) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#ended());
  }

  get reusable(): boolean {
    return !this.#gone && this.#reader.reusable;
  }

  /** Written at once, since some SDK servers read once only (sdk.md 10 #28). */
  send(call: UpstreamCall): void {
    this.#call = call;
    this.#reader.reset();
    this.#socket.write(call.request, 'latin1');
  }

  /** Ends an idle connection; its owner forgets it. */
  closeIdle(): void {
    if (this.#gone) return;
    this.destroy();
    this.#owner.lost(this);
  }

  /** Ends the connection without another call to the owner. */
  destroy(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#answer.reset();
    this.#socket.destroy();
  }

  #read(length: number): void {
    if (this.#gone) return;
    const call = this.#call;
    if (call === null) {
      // Words nobody asked for (a late 408, say) make the connection useless.
      this.#fail(new UpstreamFailure('the bot sent something nobody asked for'));
      return;
    }
    let complete = false;
    try {
      complete = this.#reader.push(readBuffer, length);
    } catch (error) {
      this.#fail(error);
    }
    if (complete) this.#settle(call);
  }

  #ended(): void {
    if (this.#gone) return;
    const call = this.#call;
    if (call === null) {
      this.#fail(new UpstreamFailure('closed'));
      return;
    }
    let complete = false;
    try {
      complete = this.#reader.end();
    } catch (error) {
      this.#fail(error);
    }
    if (complete) this.#settle(call);
  }

  #settle(call: UpstreamCall): void {
    this.#call = null;
    this.served += 1;
    this.#owner.answered(this, call, this.#answer);
    this.#answer.reset();
  }

  #fail(cause: unknown): void {
    if (this.#gone) return;
    const call = this.#call;
    this.destroy();
    if (call === null) {
      this.#owner.lost(this);
      return;
    }
    const error = cause instanceof Error ? cause : new UpstreamFailure(String(cause));
    this.#owner.failed(this, call, error, this.#reader.started);
  }
}

/**
 * All connections of a thread read into this one buffer: libuv reads and hands over in one go (on Unix), and whatever is
 * needed longer is copied.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);
