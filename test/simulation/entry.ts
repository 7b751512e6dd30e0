import type { BotSpec } from '../../actors/bot-spec.ts';
import type { BotMemory, BotMessage, InFlightEffect } from '../../actors/message.ts';
import type { Observation } from '../../actors/observation.ts';

/** What the supervisor knows of one bot. */
export interface Entry {
  spec: BotSpec | null;
  removal: 'deleted' | 'unknown';
  observation: Observation | null;
  /** When what is desired last changed; an actor knows it from the next instant on. */
  desiredAt: number;
}

/** What is desired, for an actor that is there or, with the rest, for a new one. */
export function desireOf(
  botId: string,
  { spec, removal }: Entry,
  more: { memory?: BotMemory | undefined; inFlight?: InFlightEffect | undefined } = {},
): BotMessage {
  const { memory, inFlight } = more;
  const awaited = inFlight === undefined ? {} : { inFlight };
  if (spec === null) return { kind: 'removed', cause: removal, botId, ...awaited };
  return { kind: 'desired', spec, ...awaited, ...(memory === undefined ? {} : { memory }) };
}
