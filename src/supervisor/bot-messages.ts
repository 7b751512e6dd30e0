import type { BotKind, BotSpec } from '../../actors/bot-spec.ts';
import type { BotMemory, DesiredMessage, InFlightEffect, RemovedMessage } from '../../actors/message.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import type { RosterEntry } from './roster.ts';

/** What the engine adds to such a bot, as a hash. */
export type ShapeRevisionOf = (definition: BotDefinition) => string;

/** What this runtime adds to what is desired of a bot. */
export interface SpecAdditions {
  readonly shapeRevisionOf: ShapeRevisionOf;
  /** See {@link BotSpec.keptElsewhere}; by the kind of bot. */
  readonly keptElsewhere: ReadonlyMap<BotKind, string>;
}

/** What an actor must know of what is desired, made from the roster: always the newest, however late it is told. */
export function desireMessage(entry: RosterEntry, additions: SpecAdditions): DesiredMessage | RemovedMessage {
  const { botId, definition, removal } = entry;
  return definition === null
    ? { kind: 'removed', cause: removal ?? 'deleted', botId }
    : { kind: 'desired', spec: specOf(definition, additions) };
}

/**
 * The first message of a new actor: for a bot that is new, and for one whose actor was lost.
 * @param inFlight what the engine is doing for the bot meanwhile; the actor waits for its answer
 */
export function introduction(
  entry: RosterEntry,
  additions: SpecAdditions,
  memory: BotMemory | undefined,
  inFlight: InFlightEffect | undefined,
): DesiredMessage | RemovedMessage {
  const message = desireMessage(entry, additions);
  const awaited = inFlight === undefined ? {} : { inFlight };
  return message.kind === 'removed' || memory === undefined
    ? { ...message, ...awaited }
    : { ...message, ...awaited, memory };
}

function specOf(definition: BotDefinition, { shapeRevisionOf, keptElsewhere }: SpecAdditions): BotSpec {
  const { id, kind, enabled, runtime, entrypoint, queryEntrypoint, schedule, specRevision, problem } = definition;
  const shapeRevision = shapeRevisionOf(definition);
  const spec = {
    id,
    kind,
    enabled,
    runtime,
    entrypoint,
    queryEntrypoint,
    schedule,
    specRevision,
    shapeRevision,
    problem,
  };
  const elsewhere = keptElsewhere.get(kind);
  return elsewhere === undefined ? spec : { ...spec, keptElsewhere: elsewhere };
}
