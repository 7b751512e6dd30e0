import type { NatsPublisher } from './nats-publisher.ts';

const NEWLINE = 10;

/**
 * A bot's lines as they come, for whoever looks on (contract 3.4): gathered for a moment, published as raw text that ends
 * with a line. It may run ahead of the stored log, and it loses what the server does not take: the stored log has it.
 */
export class LiveLog {
  readonly #publisher: NatsPublisher;
  readonly #subject: string;
  readonly #gatherMs: number;
  readonly #mostBytes: number;
  #blocks: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @param mostBytes of one message; the server's own limit holds as well */
  constructor(publisher: NatsPublisher, subject: string, options: { gatherMs: number; mostBytes: number }) {
    this.#publisher = publisher;
    this.#subject = subject;
    this.#gatherMs = options.gatherMs;
    this.#mostBytes = options.mostBytes;
  }

  /** @param block whole lines */
  receive(block: Buffer): void {
    if (!this.#publisher.connected) return;
    if (this.#bytes + block.length > this.#limit()) this.flush();
    this.#blocks.push(block);
    this.#bytes += block.length;
    this.#timer ??= setTimeout(() => this.flush(), this.#gatherMs);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    let text: Buffer = Buffer.concat(this.#blocks);
    this.#blocks = [];
    this.#bytes = 0;
    while (text.length > 0) {
      const part = text.subarray(0, endOfPart(text, this.#limit()));
      if (!this.#publisher.publish(this.#subject, part)) return;
      text = text.subarray(part.length);
    }
  }

  /** Sends what is gathered, for at most so long. */
  async close(deadlineMs: number): Promise<void> {
    this.flush();
    await this.#publisher.close(deadlineMs);
  }

  #limit(): number {
    return Math.min(this.#mostBytes, this.#publisher.maxPayloadBytes);
  }
}

/** Behind the last newline within `limit`; a longer line is cut. */
function endOfPart(text: Buffer, limit: number): number {
  if (text.length <= limit) return text.length;
  const end = text.lastIndexOf(NEWLINE, limit - 1) + 1;
  return end === 0 ? limit : end;
}
