import { logLine } from './agent-line.ts';
import { countLines } from './line-assembler.ts';
import type { OutputStream } from './output-log.ts';

/**
 * The agent's own stdout and stderr, where a container engine collects them. The reader may be slow or gone: what does not
 * fit is dropped and counted, so that neither the agent nor a bot ever waits for it.
 */
export class Tee {
  readonly #stdout: BoundedOutput;
  readonly #stderr: BoundedOutput;

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream, queueBytes: number) {
    this.#stdout = new BoundedOutput(stdout, queueBytes);
    this.#stderr = new BoundedOutput(stderr, queueBytes);
  }

  write(stream: OutputStream, block: Buffer): void {
    (stream === 'stdout' ? this.#stdout : this.#stderr).write(block);
  }

  /** Resolves when the readers have everything. */
  async flush(): Promise<void> {
    await Promise.all([this.#stdout.flush(), this.#stderr.flush()]);
  }
}

class BoundedOutput {
  readonly #stream: NodeJS.WriteStream;
  readonly #queueBytes: number;
  #lostLines = 0;
  #closed = false;

  constructor(stream: NodeJS.WriteStream, queueBytes: number) {
    this.#stream = stream;
    this.#queueBytes = queueBytes;
    // The reader is gone (EPIPE). The log file goes on; there is nobody left to tell.
    stream.on('error', () => {
      this.#closed = true;
    });
  }

  write(block: Buffer): void {
    if (this.#closed) return;
    if (this.#stream.writableLength + block.length > this.#queueBytes) {
      this.#lostLines += countLines(block);
      return;
    }
    if (this.#lostLines > 0) {
      this.#stream.write(logLine('warn', `dropped ${this.#lostLines} lines: the reader of this output is too slow`));
      this.#lostLines = 0;
    }
    this.#stream.write(block);
  }

  flush(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.once('error', resolve).write('', () => resolve());
    });
  }
}
