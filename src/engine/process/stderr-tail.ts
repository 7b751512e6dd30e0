import type { Readable } from 'node:stream';

/** Keeps the newest bytes of a stream and nothing else: an agent's last words are at the end of its stderr. */
export class StderrTail {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  /** Resolves when the stream ended. */
  readonly ended: Promise<void>;

  constructor(stream: Readable, limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.ended = new Promise((resolve) => {
      stream.once('close', resolve);
    });
    stream.on('data', (chunk: Buffer) => this.#add(chunk));
    // The stream of a killed process may break instead of ending; what was read until then is the tail.
    stream.on('error', () => stream.destroy());
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#limitBytes).toString('utf8');
  }

  #add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    // Whole chunks are dropped, so at most one chunk more than the limit is held.
    for (let oldest = this.#chunks[0]; oldest !== undefined && this.#sizeBytes - oldest.length >= this.#limitBytes; ) {
      this.#chunks.shift();
      this.#sizeBytes -= oldest.length;
      oldest = this.#chunks[0];
    }
  }
}
