import {
  isShown,
  type LogLevel,
  type Notice,
  noticeJson,
  noticeText,
  type Transition,
  transitionJson,
  transitionLevel,
  transitionText,
} from './event-line.ts';
import { outStyle } from './output.ts';

export type LogFacts = Readonly<Record<string, string | number | boolean>>;

/** In which form somebody reads a log, and from which level on. */
export interface LogWish {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
}

/** Makes the lines of one log on stdout: JSON (contract 1.4), or text for people. */
export class LogForm {
  readonly isJson: boolean;
  readonly #level: LogLevel;
  readonly #always: LogFacts;

  /** @param always what stands in every line of JSON */
  constructor({ level, format }: LogWish, always: LogFacts = {}) {
    this.isJson = format === 'json';
    this.#level = level;
    this.#always = always;
  }

  shows(level: LogLevel): boolean {
    return isShown(level, this.#level);
  }

  showsTransition({ reason }: Transition): boolean {
    return this.shows(transitionLevel(reason));
  }

  transition(transition: Transition, nowMs: number): string {
    return this.isJson ? transitionJson(transition, this.#always) : transitionText(transition, outStyle, nowMs);
  }

  notice({ at, level, message, facts = {} }: Notice): string {
    if (this.isJson) return noticeJson({ at, level, message, facts: { ...this.#always, ...facts } });
    return noticeText({ at, level, message: `${message}${inWords(facts)}` }, outStyle, at);
  }
}

/** ` (port=8080)` */
function inWords(facts: LogFacts): string {
  const words = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}
