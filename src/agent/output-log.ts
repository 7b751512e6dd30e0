import { monotonicMs } from '../storage/monotonic-clock.ts';
import type { AgentLimits } from './agent-limits.ts';
import { logLine } from './agent-line.ts';
import { countLines, LineAssembler } from './line-assembler.ts';
import { LogBudget } from './log-budget.ts';
import { LogFile } from './log-file.ts';
import type { Tee } from './tee.ts';

export type OutputStream = 'stdout' | 'stderr';

/**
 * Everything one process group writes, on its way to its log and to the agent's own output:
 *
 *   stdout ─► lines ─┐             ┌─► file (bounded queue, rotated)
 *                    ├─► budget ───┤
 *   stderr ─► lines ─┘     │       └─► tee (bounded, never waits)
 *                          └─► counted, one line per stretch
 *
 * Nothing here ever makes the writer wait: what is too much is dropped and counted.
 */
export class OutputLog {
  readonly #file: LogFile;
  readonly #tee: Tee | null;
  readonly #budget: LogBudget;
  readonly #lines: Readonly<Record<OutputStream, LineAssembler>>;
  #follower: ((block: Buffer) => void) | null = null;
  #droppedLines = 0;
  #droppedBytes = 0;
  #noticeTimer: NodeJS.Timeout | null = null;

  /** @param tee null: only to the file */
  constructor(path: string, tee: Tee | null, limits: AgentLimits) {
    const { logFileBytes, logQueueBytes, logRetryMs, logLineBytes } = limits;
    const fileLimits = { fileBytes: logFileBytes, queueBytes: logQueueBytes, retryMs: logRetryMs };
    this.#file = new LogFile(path, fileLimits, (trouble) => {
      const line = logLine('error', trouble);
      if (tee === null) process.stderr.write(line);
      else tee.write('stderr', line);
    });
    this.#tee = tee;
    this.#budget = new LogBudget(limits.logBytesPerSecond, monotonicMs());
    this.#lines = { stdout: new LineAssembler(logLineBytes), stderr: new LineAssembler(logLineBytes) };
  }

  /** Gets every block of whole lines that is kept, as it comes; must not wait. */
  follow(follower: (block: Buffer) => void): void {
    this.#follower = follower;
  }

  receive(stream: OutputStream, chunk: Buffer): void {
    this.#accept(stream, this.#lines[stream].push(chunk));
  }

  /** A line of the agent itself; always kept. */
  note(level: 'info' | 'warn' | 'error', message: string): void {
    this.#keep('stderr', logLine(level, message));
  }

  /** One writer has ended: what came after its last newline is a line too. */
  endLines(): void {
    for (const stream of ['stdout', 'stderr'] as const) this.#accept(stream, this.#lines[stream].end());
  }

  /** Writes what is still held, for at most so long. Nothing may be received afterwards. */
  async close(deadlineMs: number): Promise<void> {
    this.endLines();
    this.#giveNotice();
    await this.#file.close(deadlineMs);
  }

  #accept(stream: OutputStream, block: Buffer | null): void {
    if (block === null) return;
    const now = monotonicMs();
    if (this.#budget.admit(block.length, now)) {
      this.#giveNotice();
      this.#keep(stream, block);
      return;
    }
    this.#droppedLines += countLines(block);
    this.#droppedBytes += block.length;
    this.#noticeTimer ??= setTimeout(() => this.#giveNotice(), Math.ceil(this.#budget.reopensAt - now));
  }

  #giveNotice(): void {
    if (this.#noticeTimer !== null) clearTimeout(this.#noticeTimer);
    this.#noticeTimer = null;
    if (this.#droppedLines === 0) return;
    const limit = `it wrote more than ${this.#budget.bytesPerSecond} bytes per second`;
    this.note('warn', `dropped ${this.#droppedLines} log lines (${this.#droppedBytes} bytes): ${limit}`);
    this.#droppedLines = 0;
    this.#droppedBytes = 0;
  }

  #keep(stream: OutputStream, block: Buffer): void {
    this.#file.write(block);
    this.#tee?.write(stream, block);
    this.#follower?.(block);
  }
}
