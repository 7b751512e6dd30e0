import type { RecordEffect } from '../../../actors/effect.ts';
import { redactUrls } from '../../redact-urls.ts';
import { isShown, type LogLevel, noticeJson, transitionJson, transitionLevel } from './event-line.ts';
import { ForegroundOutput } from './foreground-output.ts';

export type LogFacts = Readonly<Record<string, string | number | boolean>>;

export interface ServiceLogOptions {
  readonly level: LogLevel;
  /** Lines that may wait for a reader before more are left out; bytes. */
  readonly waitingBytes: number;
  /** On every line (contract 1.4). */
  readonly component?: string;
  readonly now?: () => number;
}

/** What a service prints: JSON lines on stdout (contract 1.4), without passwords. Never waits and never throws. */
export class ServiceLog {
  readonly #level: LogLevel;
  readonly #component: string;
  readonly #now: () => number;
  readonly #output: ForegroundOutput;

  constructor({ level, waitingBytes, component = 'master', now = Date.now }: ServiceLogOptions) {
    this.#level = level;
    this.#component = component;
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
    if (isShown(level, this.#level)) this.#output.print(this.#line(level, message, facts));
  }

  transition(record: RecordEffect): void {
    if (isShown(transitionLevel(record.reason), this.#level)) this.#output.print(redactUrls(transitionJson(record)));
  }

  /** @returns whether all of it got out, or failed to, within `forMs` */
  flushed(forMs: number): Promise<boolean> {
    return this.#output.flushed(forMs);
  }

  #line(level: LogLevel, message: string, facts: LogFacts): string {
    return redactUrls(noticeJson({ at: this.#now(), level, message, facts: { component: this.#component, ...facts } }));
  }
}
