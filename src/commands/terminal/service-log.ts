import type { RecordEffect } from '../../../actors/effect.ts';
import { redactUrls } from '../../redact-urls.ts';
import { sentencesOf } from './error-sentences.ts';
import type { LogLevel } from './event-line.ts';
import { ForegroundOutput } from './foreground-output.ts';
import { type LogFacts, LogForm, type LogWish } from './log-form.ts';

export interface ServiceLogOptions extends LogWish {
  /** Lines that may wait for a reader before more are left out; bytes. */
  readonly waitingBytes: number;
  /** On every line (contract 1.4). */
  readonly component?: string;
  readonly now?: () => number;
}

/**
 * What a service prints on stdout, without passwords: JSON lines (contract 1.4), or text for people. Never waits and never
 * throws.
 */
export class ServiceLog {
  readonly #form: LogForm;
  readonly #now: () => number;
  readonly #output: ForegroundOutput;

  constructor({ waitingBytes, component = 'master', now = Date.now, ...wish }: ServiceLogOptions) {
    this.#form = new LogForm(wish, { component });
    this.#now = now;
    this.#output = new ForegroundOutput(process.stdout, waitingBytes, (lines) =>
      this.#line('WARN', 'Lines are missing here: nobody read them, or there was no room for them.', { lines }),
    );
  }

  debug(message: string, facts: LogFacts = {}): void {
    this.write('DEBUG', message, facts);
  }

  info(message: string, facts: LogFacts = {}): void {
    this.write('INFO', message, facts);
  }

  warn(message: string, facts: LogFacts = {}): void {
    this.write('WARN', message, facts);
  }

  error(message: string, facts: LogFacts = {}): void {
    this.write('ERROR', message, facts);
  }

  /** @param facts never config values */
  write(level: LogLevel, message: string, facts: LogFacts): void {
    if (this.#form.shows(level)) this.#output.print(this.#line(level, message, facts));
  }

  /** Of what is told as text on stderr besides, and so of no use in a log of text. */
  fatal(error: unknown): void {
    if (this.#form.isJson) this.error(sentencesOf(error));
  }

  transition(record: RecordEffect): void {
    if (this.#form.showsTransition(record)) this.#output.print(redactUrls(this.#form.transition(record, this.#now())));
  }

  /** @returns whether all of it got out, or failed to, within `forMs` */
  flushed(forMs: number): Promise<boolean> {
    return this.#output.flushed(forMs);
  }

  #line(level: LogLevel, message: string, facts: LogFacts): string {
    return redactUrls(this.#form.notice({ at: this.#now(), level, message, facts }));
  }
}
