import type { Behavior, KernelEffect, Step } from '../../src/kernel/behavior.ts';

/** A small actor that keeps a diary, and can be told to misbehave in every way an actor can. */
export type ToyMessage =
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'observed'; readonly seen: readonly number[] }
  | { readonly kind: 'set-timer'; readonly key: string; readonly inMs: number; readonly text: string }
  | { readonly kind: 'cancel-timer'; readonly key: string }
  | { readonly kind: 'again' }
  | { readonly kind: 'many'; readonly count: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'throw' }
  | { readonly kind: 'throw-in-recover' }
  | { readonly kind: 'not-plain' }
  | { readonly kind: 'carry'; readonly cargo: unknown }
  /** Never returns; `entered` is 1 from then on. */
  | { readonly kind: 'hang'; readonly entered: Int32Array }
  | { readonly kind: 'fault'; readonly how: 'exit' | 'uncaught' | 'rejection' };

export type ToyEffect =
  | KernelEffect<ToyMessage>
  | { readonly kind: 'noted'; readonly text: string }
  | { readonly kind: 'recovered'; readonly error: string; readonly exhausted: boolean }
  | { readonly kind: 'ended' }
  | { readonly kind: 'odd'; readonly value: unknown };

export interface ToyState {
  readonly id: string;
  readonly notes: readonly string[];
}

export interface ToySettings {
  readonly failToCreate?: boolean;
}

export function createBehavior(settings: ToySettings): Behavior<ToyState, ToyMessage, ToyEffect> {
  if (settings.failToCreate === true) throw new Error('the toy is broken');
  return {
    initial(id) {
      if (id.startsWith('unborn')) throw new Error(`${id} cannot be`);
      return { id, notes: [] };
    },
    receive,
    coalesce(older, newer) {
      if (older.kind !== 'observed' || newer.kind !== 'observed') throw new Error('only observations can be joined');
      return { kind: 'observed', seen: [...older.seen, ...newer.seen] };
    },
    recover(state, error, _now, exhausted) {
      if (error.message === 'beyond recovery') throw new Error('recover gave up');
      return { state, effects: [{ kind: 'recovered', error: error.message, exhausted }] };
    },
    snapshot(state) {
      if (state.id.startsWith('shy')) throw new Error('no snapshot of me');
      return { id: state.id, notes: state.notes };
    },
  };
}

function receive(state: ToyState, message: ToyMessage, now: number): Step<ToyState, ToyEffect> {
  switch (message.kind) {
    case 'note':
      return note(state, message.text);
    case 'observed':
      return note(state, `saw ${message.seen.join('+')}`);
    case 'set-timer': {
      const { key, inMs, text } = message;
      return { state, effects: [{ kind: 'timer', key, at: now + inMs, message: { kind: 'note', text } }] };
    }
    case 'cancel-timer':
      return { state, effects: [message] };
    case 'again':
      return { state, effects: [{ kind: 'timer', key: 'again', at: 0, message }] };
    case 'many':
      return { state, effects: Array.from({ length: message.count }, (_, i) => ({ kind: 'noted', text: `${i}` })) };
    case 'end':
      return { state, effects: [{ kind: 'ended' }] };
    case 'throw':
      throw new Error('told to throw');
    case 'throw-in-recover':
      throw new Error('beyond recovery');
    case 'not-plain':
      return { ...note(state, 'not plain'), effects: [{ kind: 'odd', value: () => 1 }] };
    case 'carry':
      return note(state, 'carried');
    case 'hang':
      Atomics.store(message.entered, 0, 1);
      for (;;);
    case 'fault':
      fault(message.how);
      return { state, effects: [] };
  }
}

function note(state: ToyState, text: string): Step<ToyState, ToyEffect> {
  return { state: { ...state, notes: [...state.notes, text] }, effects: [{ kind: 'noted', text }] };
}

function fault(how: 'exit' | 'uncaught' | 'rejection'): void {
  if (how === 'exit') process.exit(7);
  if (how === 'rejection') void Promise.reject(new Error('nobody handles me'));
  else
    setImmediate(() => {
      throw new Error('nobody catches me');
    });
}
