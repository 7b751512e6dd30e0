import type { Behavior, Step } from '../../src/kernel/behavior.ts';

/** An actor that does next to nothing, so that what is measured is the kernel. */
export interface Tick {
  readonly kind: 'tick';
  readonly amount: number;
  /** 0: say nothing. 1: answer with `done`. */
  readonly answer: number;
}

export interface Done {
  readonly kind: 'done';
  readonly total: number;
  readonly count: number;
}

export interface Counter {
  readonly total: number;
  readonly count: number;
}

const NOTHING: readonly Done[] = [];

export function receive(state: Counter, message: Tick): Step<Counter, Done> {
  const next = { total: state.total + message.amount, count: state.count + 1 };
  if (message.answer === 0) return { state: next, effects: NOTHING };
  return { state: next, effects: [{ kind: 'done', total: next.total, count: next.count }] };
}

export function createBehavior(): Behavior<Counter, Tick, Done> {
  return {
    initial: () => ({ total: 0, count: 0 }),
    receive,
    coalesce: (_older, newer) => newer,
    recover: (state) => ({ state, effects: NOTHING }),
    snapshot: (state) => state,
  };
}
