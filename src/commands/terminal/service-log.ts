import type { RecordEffect } from '../../../actors/effect.ts';
import { redactUrls } from '../../redact-urls.ts';
import { sentencesOf } from './error-sentences.ts';
import {
  isShown,
  type LogLevel,
  noticeJson,
  noticeText,
  transitionJson,
  transitionLevel,
  transitionText,
} from './event-line.ts';
import { ForegroundOutput } from './foreground-output.ts';
import { outStyle } from './output.ts';

export type LogFacts = Readonly<Record<string, string | number | boolean>>;

export interface ServiceLogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
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
  readonly #level: LogLevel;
  readonly #isJson: boolean;
  readonly #component: string;
  readonly #now: () => number;
  readonly #output: ForegroundOutput;

  constructor({ level, format, waitingBytes, component = 'master', now = Date.now }: ServiceLogOptions) {
    this.#level = level;
    this.#isJson = format === 'json';
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

  /** Of what is told as text on stderr besides, and so of no use in a log of text. */
  fatal(error: unknown): void {
    if (this.#isJson) this.error(sentencesOf(error));
  }

  transition(record: RecordEffect): void {
    if (!isShown(transitionLevel(record.reason), this.#level)) return;
    const line = this.#isJson
      ? transitionJson(record, { component: this.#component })
      : transitionText(record, outStyle, this.#now());
    this.#output.print(redactUrls(line));
  }

  /** @returns whether all of it got out, or failed to, within `forMs` */
  flushed(forMs: number): Promise<boolean> {
    return this.#output.flushed(forMs);
  }

  #line(level: LogLevel, message: string, facts: LogFacts): string {
    const at = this.#now();
    const line = this.#isJson
      ? noticeJson({ at, level, message, facts: { component: this.#component, ...facts } })
      : noticeText({ at, level, message: `${message}${inWords(facts)}` }, outStyle, at);
    return redactUrls(line);
  }
}

/** ` (port=8080)` */
function inWords(facts: LogFacts): string {
  const words = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}
