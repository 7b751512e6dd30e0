import type { BotSpec } from '../../actors/bot-spec.ts';

/** The runtimes the scenario knows: this one, and one that does not exist. */
export function isUsable(spec: BotSpec): boolean {
  return spec.enabled && spec.problem === null && spec.kind === 'realtime' && spec.runtime === 'python3.11';
}

/**
 * Is this start what is desired? What is desired since before this instant is known to the actor.
 * @returns what is wrong, or null
 */
export function objectionToStart(
  desired: { readonly spec: BotSpec | null; readonly desiredAt: number } | undefined,
  specRevision: string,
  now: number,
): string | null {
  if (desired === undefined || desired.desiredAt === now) return null;
  const { spec } = desired;
  if (spec === null) return 'it was deleted';
  if (!isUsable(spec)) return 'it must not run';
  return spec.specRevision === specRevision ? null : 'the revision is an old one';
}
