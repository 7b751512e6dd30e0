import * as v from 'valibot';
import type { BotState } from '../../actors/effect.ts';
import type { BotMemory } from '../../actors/message.ts';
import { isReasonCode, type Reason, type ReasonCode } from '../../actors/reason.ts';

const FORMAT = 1;

/** One line of a journal segment. `v` is the format number: lines of a newer format are not read, and that is said. */
export type JournalLine =
  | {
      readonly v: 1;
      readonly bot: string;
      readonly forgotten?: false;
      readonly memory: BotMemory;
      readonly transition?: JournalTransition;
    }
  | { readonly v: 1; readonly bot: string; readonly forgotten: true };

export interface JournalTransition {
  readonly from: BotState;
  readonly to: BotState;
  readonly reason: Reason;
}

const reasonCode = v.custom<ReasonCode>((code) => typeof code === 'string' && isReasonCode(code));

const reason = v.object({
  code: reasonCode,
  facts: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  at: v.number(),
  incarnation: v.number(),
  specRevision: v.string(),
});

const state = v.picklist(['waiting', 'idle', 'starting', 'running', 'stopping', 'backing-off', 'blocked', 'stopped']);

const transition = v.object({ from: state, to: state, reason });

/** Codes and states of another version are not known here, but what the bot must remember besides counts all the same. */
const memory = v.object({
  incarnation: v.number(),
  attempt: v.number(),
  restarts: v.number(),
  backoffUntil: v.number(),
  reason: v.fallback(v.nullable(reason), null),
});

const forgottenLine = v.object({ v: v.literal(FORMAT), bot: v.string(), forgotten: v.literal(true) });
const memoryLine = v.object({ v: v.literal(FORMAT), bot: v.string(), memory, transition: v.optional(v.unknown()) });

const newerLine = v.object({ v: v.pipe(v.number(), v.integer(), v.gtValue(FORMAT)) });

/** @returns null for a line that is cut or damaged */
export function parseJournalLine(text: string): JournalLine | 'newer-format' | null {
  if (text === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // A crash can cut the last line.
  }
  const forgotten = v.safeParse(forgottenLine, value);
  if (forgotten.success) return forgotten.output;
  const line = v.safeParse(memoryLine, value);
  if (!line.success) return v.is(newerLine, value) ? 'newer-format' : null;
  const { bot, memory: remembered } = line.output;
  const told = v.safeParse(transition, line.output.transition);
  return { v: 1, bot, memory: remembered, ...(told.success ? { transition: told.output } : {}) };
}
