import * as v from 'valibot';
import type { BotMemory } from '../../actors/message.ts';
import { isReasonCode, type Reason } from '../../actors/reason.ts';
import type { JournalTransition } from './journal.ts';

/** One line of a journal segment. `v` is the format number: lines of a newer format are not read. */
export type JournalLine =
  | {
      readonly v: 1;
      readonly bot: string;
      readonly forgotten?: false;
      readonly memory: BotMemory;
      readonly transition?: JournalTransition;
    }
  | { readonly v: 1; readonly bot: string; readonly forgotten: true };

const reason = v.pipe(
  v.object({
    code: v.pipe(v.string(), v.check(isReasonCode)),
    facts: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
    at: v.number(),
    incarnation: v.number(),
    specRevision: v.string(),
  }),
  v.transform((value) => value as Reason),
);

const state = v.picklist(['waiting', 'starting', 'running', 'stopping', 'backing-off', 'blocked', 'stopped']);

const memory = v.object({
  incarnation: v.number(),
  attempt: v.number(),
  restarts: v.number(),
  backoffUntil: v.number(),
  reason: v.nullable(reason),
});

const line = v.union([
  v.object({ v: v.literal(1), bot: v.string(), forgotten: v.literal(true) }),
  v.object({
    v: v.literal(1),
    bot: v.string(),
    memory,
    transition: v.exactOptional(v.object({ from: state, to: state, reason })),
  }),
]);

/** @returns null for a line that is cut, damaged or of a newer format */
export function parseJournalLine(text: string): JournalLine | null {
  if (text === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // A crash can cut the last line.
  }
  const parsed = v.safeParse(line, value);
  return parsed.success ? parsed.output : null;
}
