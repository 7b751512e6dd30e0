import type { Behavior } from './behavior.ts';

/** A module of a behavior, as it is imported by the shard's thread and (for `coalesce`) by its owner. */
interface BehaviorModule<State, Message, Effect extends { readonly kind: string }> {
  createBehavior(settings: unknown): Behavior<State, Message, Effect>;
}

/**
 * Imports a module and calls its `createBehavior(settings)`. The types are those the caller states: module and caller are of one program, and the
 * compiler cannot see through a URL.
 * @throws whatever the module throws, or TypeError when it is no behavior module
 */
export async function loadBehavior<State, Message, Effect extends { readonly kind: string }>(
  moduleUrl: string,
  settings: unknown,
): Promise<Behavior<State, Message, Effect>> {
  const module: unknown = await import(moduleUrl);
  if (!isBehaviorModule<State, Message, Effect>(module)) {
    throw new TypeError(`${moduleUrl} is no behavior module: it exports no function createBehavior`);
  }
  const behavior = module.createBehavior(settings);
  for (const name of ['initial', 'receive', 'coalesce', 'recover', 'snapshot'] as const) {
    if (typeof behavior[name] !== 'function')
      throw new TypeError(`The behavior of ${moduleUrl} has no function ${name}`);
  }
  return behavior;
}

function isBehaviorModule<State, Message, Effect extends { readonly kind: string }>(
  module: unknown,
): module is BehaviorModule<State, Message, Effect> {
  return (
    typeof module === 'object' &&
    module !== null &&
    'createBehavior' in module &&
    typeof module.createBehavior === 'function'
  );
}
