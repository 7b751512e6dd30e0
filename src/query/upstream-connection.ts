import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../actors/observation.ts';
import type { AnswerReader, AnswerReaders } from './answer-reader.ts';
import type { BotAnswer } from './bot-answer.ts';
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
  /** The sweep after which it became idle; kept by the idle connections of the thread. */
  idleSince = 0;
  /** Used last but this one, among the idle connections of its owner; kept by the owner. */
  below: UpstreamConnection | null = null;
  /** Neighbours among the idle connections of the thread; kept by those. */
  older: UpstreamConnection | null = null;
  newer: UpstreamConnection | null = null;

  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #readers: AnswerReaders;
  /** From the first byte of an answer to its last. */
  #reader: AnswerReader | null = null;
  #call: UpstreamCall | null = null;
  #gone = false;

  constructor(endpoint: Endpoint, owner: ConnectionOwner, readers: AnswerReaders) {
    this.#owner = owner;
    this.#readers = readers;
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

  /** Whether it may carry another request. Known while its answer is handed over. */
  get reusable(): boolean {
    return !this.#gone && this.#reader?.response.reusable === true;
  }

  /** Written at once, since some SDK servers read once only (sdk.md 10 #28). */
  send(call: UpstreamCall): void {
    this.#call = call;
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
    this.#giveReaderBack();
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
    this.#reader ??= this.#readers.take();
    const reader = this.#reader;
    let complete = false;
    try {
      complete = reader.response.push(readBuffer, length);
    } catch (error) {
      this.#fail(error);
    }
    if (complete) this.#settle(call, reader.answer);
  }

  #ended(): void {
    if (this.#gone) return;
    const call = this.#call;
    if (call === null) {
      this.#fail(new UpstreamFailure('closed'));
      return;
    }
    this.#reader ??= this.#readers.take();
    const reader = this.#reader;
    let complete = false;
    try {
      complete = reader.response.end();
    } catch (error) {
      this.#fail(error);
    }
    if (complete) this.#settle(call, reader.answer);
  }

  #settle(call: UpstreamCall, answer: BotAnswer): void {
    this.#call = null;
    this.served += 1;
    this.#owner.answered(this, call, answer);
    this.#giveReaderBack();
  }

  #fail(cause: unknown): void {
    if (this.#gone) return;
    const call = this.#call;
    const started = this.#reader?.response.started === true;
    this.destroy();
    if (call === null) {
      this.#owner.lost(this);
      return;
    }
    const error = cause instanceof Error ? cause : new UpstreamFailure(String(cause));
    this.#owner.failed(this, call, error, started);
  }

  #giveReaderBack(): void {
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) this.#readers.give(reader);
  }
}

/**
 * All connections of a thread read into this one buffer: libuv reads and hands over in one go (on Unix), and whatever is
 * needed longer is copied.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);
