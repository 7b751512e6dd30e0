/**
 * A *query run* is one start of a bot's query program, for a bot that is not there to be asked. Everybody who asks the same
 * before it has answered shares it: its *askers*. It is an actor of its own (design 4), and like every other it only
 * decides: places, processes and answers are its host's business.
 *
 *     (new) ──asked──► waiting ──permitted──► running ──ended──► over
 *                         │ the last asker left   │ the last asker left
 *                         ▼                       ▼
 *                        over                   ending ──ended──► over
 *
 * A run that ends because nobody waits for it takes no new askers: whoever comes then gets a run of its own.
 */
export interface QueryRunState {
  readonly phase: 'new' | 'waiting' | 'running' | 'ending' | 'over';
  /** Who waits for the answer, by numbers that the host gives. */
  readonly askers: readonly number[];
}

export type QueryRunMessage<Answer> =
  | { readonly kind: 'asked'; readonly asker: number }
  /** Its time is up, or it hung up. */
  | { readonly kind: 'left'; readonly asker: number }
  /** The run has got its place among those that run at the same time. */
  | { readonly kind: 'permitted' }
  /** Nothing of the program runs any more, whether it answered, failed or was ended. */
  | { readonly kind: 'ended'; readonly answer: Answer };

export type QueryRunEffect<Answer> =
  /** Wait for a place. Answered by `permitted`. */
  | { readonly kind: 'queue' }
  | { readonly kind: 'unqueue' }
  /** Start the program. Answered by `ended`, always. */
  | { readonly kind: 'start' }
  /** End the program, without a grace: it has nothing to save. */
  | { readonly kind: 'kill' }
  /** Put no further questions to this run. */
  | { readonly kind: 'withdraw' }
  | { readonly kind: 'answer'; readonly askers: readonly number[]; readonly answer: Answer }
  /** The place is free. */
  | { readonly kind: 'release' };

export interface QueryRunStep<Answer> {
  readonly state: QueryRunState;
  readonly effects: readonly QueryRunEffect<Answer>[];
}

export const NEW_QUERY_RUN: QueryRunState = { phase: 'new', askers: [] };

/** A message that does not fit the phase changes nothing: it was sent before the phase was known. */
export function receiveQueryRun<Answer>(state: QueryRunState, message: QueryRunMessage<Answer>): QueryRunStep<Answer> {
  switch (message.kind) {
    case 'asked':
      return asked(state, message.asker);
    case 'left':
      return left(state, message.asker);
    case 'permitted':
      if (state.phase !== 'waiting') return { state, effects: [{ kind: 'release' }] };
      return { state: { ...state, phase: 'running' }, effects: [{ kind: 'start' }] };
    case 'ended':
      return ended(state, message.answer);
  }
}

function asked<Answer>(state: QueryRunState, asker: number): QueryRunStep<Answer> {
  const askers = [...state.askers, asker];
  switch (state.phase) {
    case 'new':
      return { state: { phase: 'waiting', askers }, effects: [{ kind: 'queue' }] };
    case 'waiting':
    case 'running':
      return { state: { ...state, askers }, effects: [] };
    case 'ending':
    case 'over':
      throw new Error(`a query run that is ${state.phase} takes no questions`);
  }
}

function left<Answer>(state: QueryRunState, asker: number): QueryRunStep<Answer> {
  const askers = state.askers.filter((other) => other !== asker);
  if (askers.length > 0 || state.askers.length === 0) return { state: { ...state, askers }, effects: [] };
  switch (state.phase) {
    case 'waiting':
      return { state: { phase: 'over', askers }, effects: [{ kind: 'withdraw' }, { kind: 'unqueue' }] };
    case 'running':
      return { state: { phase: 'ending', askers }, effects: [{ kind: 'withdraw' }, { kind: 'kill' }] };
    case 'new':
    case 'ending':
    case 'over':
      return { state: { ...state, askers }, effects: [] };
  }
}

function ended<Answer>({ phase, askers }: QueryRunState, answer: Answer): QueryRunStep<Answer> {
  const over: QueryRunState = { phase: 'over', askers: [] };
  switch (phase) {
    case 'running':
      return { state: over, effects: [{ kind: 'withdraw' }, { kind: 'answer', askers, answer }, { kind: 'release' }] };
    case 'ending':
      return { state: over, effects: [{ kind: 'release' }] };
    case 'new':
    case 'waiting':
    case 'over':
      return { state: { phase, askers }, effects: [] };
  }
}
