import { describeReason, type Reason } from '../../../actors/reason.ts';
import { formatMoment } from './age.ts';
import { plainLine } from './plain-text.ts';
import { paintSeverity, paintState, type Style } from './style.ts';

export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

const LEVELS: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARN', 'ERROR'];

/** Whether a line of `level` is printed when the person asked for `threshold` and above. */
export function isShown(level: LogLevel, threshold: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(threshold);
}

/** One transition of one bot. */
export interface Transition {
  readonly botId: string;
  readonly from: string;
  readonly to: string;
  readonly reason: Reason;
}

const LEVEL_OF_SEVERITY = { info: 'INFO', warning: 'WARN', error: 'ERROR' } as const;

export function transitionLevel(reason: Reason): LogLevel {
  return LEVEL_OF_SEVERITY[describeReason(reason).severity];
}

/** Wide enough for the longest state, and for most ids, so that sentences stand under each other. */
const STATE_COLUMNS = 11;
const ID_COLUMNS = 16;

/** `15:09:26  ticker  running  The bot has started.` */
export function transitionText({ botId, to, reason }: Transition, style: Style, nowMs: number): string {
  const { severity, text } = describeReason(reason);
  const state = paintState(style, to) + ' '.repeat(Math.max(0, STATE_COLUMNS - to.length));
  const sentence = paintSeverity(style, severity, plainLine(text));
  return `${style.paint('dim', formatMoment(reason.at, nowMs))}  ${plainLine(botId).padEnd(ID_COLUMNS)}  ${state}  ${sentence}\n`;
}

/** One JSON object (contract 1.4: time, level, msg, and what else there is). */
export function transitionJson({ botId, from, to, reason }: Transition, more: Facts = {}): string {
  const { code, severity, origin, text, advice, facts, at, incarnation } = describeReason(reason);
  const level = LEVEL_OF_SEVERITY[severity];
  return jsonLine(at, level, text, { ...more, bot: botId, from, to, code, origin, advice, facts, incarnation });
}

/** Something about the runtime itself. */
export interface Notice {
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  /** More of it, for scripts. Never config values. */
  readonly facts?: Facts;
}

type Facts = Readonly<Record<string, string | number | boolean>>;

export function noticeText({ at, level, message }: Notice, style: Style, nowMs: number): string {
  const severity = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warning' : 'info';
  return `${style.paint('dim', formatMoment(at, nowMs))}  ${paintSeverity(style, severity, plainLine(message))}\n`;
}

export function noticeJson({ at, level, message, facts }: Notice): string {
  return jsonLine(at, level, message, facts ?? {});
}

function jsonLine(at: number, level: LogLevel, message: string, more: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ time: new Date(at).toISOString(), level, msg: message, ...more })}\n`;
}
