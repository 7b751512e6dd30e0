import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  NEW_QUERY_RUN,
  type QueryRunMessage,
  type QueryRunState,
  type QueryRunStep,
  receiveQueryRun,
} from '../../actors/query-run.ts';

function after(...messages: QueryRunMessage<string>[]): QueryRunStep<string> {
  let step: QueryRunStep<string> = { state: NEW_QUERY_RUN, effects: [] };
  for (const message of messages) step = receiveQueryRun(step.state, message);
  return step;
}
const asked = (asker: number) => ({ kind: 'asked', asker }) as const;
const left = (asker: number) => ({ kind: 'left', asker }) as const;
const PERMITTED = { kind: 'permitted' } as const;
const ended = (answer: string) => ({ kind: 'ended', answer }) as const;

test('the first question waits for a place; the same one again joins it without a second start', () => {
  assert.deepEqual(after(asked(1)), { state: { phase: 'waiting', askers: [1] }, effects: [{ kind: 'queue' }] });
  assert.deepEqual(after(asked(1), asked(2)).effects, []);
  assert.deepEqual(after(asked(1), asked(2), PERMITTED).effects, [{ kind: 'start' }]);
  assert.deepEqual(after(asked(1), PERMITTED, asked(2)), { state: { phase: 'running', askers: [1, 2] }, effects: [] });
});

test('one answer goes to all who still wait, and gives the place back', () => {
  const { state, effects } = after(asked(1), asked(2), asked(3), PERMITTED, left(2), ended('yes'));
  assert.deepEqual(effects, [
    { kind: 'withdraw' },
    { kind: 'answer', askers: [1, 3], answer: 'yes' },
    { kind: 'release' },
  ]);
  assert.equal(state.phase, 'over');
});

test('who leaves while others wait ends nothing', () => {
  assert.deepEqual(after(asked(1), asked(2), PERMITTED, left(1)).effects, []);
});

test('when the last asker leaves, a waiting run gives up its turn and a running one is ended', () => {
  assert.deepEqual(after(asked(1), left(1)), {
    state: { phase: 'over', askers: [] },
    effects: [{ kind: 'withdraw' }, { kind: 'unqueue' }],
  });
  assert.deepEqual(after(asked(1), PERMITTED, left(1)), {
    state: { phase: 'ending', askers: [] },
    effects: [{ kind: 'withdraw' }, { kind: 'kill' }],
  });
});

test('a run that is being ended keeps its place until it has ended, and answers nobody', () => {
  assert.deepEqual(after(asked(1), PERMITTED, left(1), ended('too late')), {
    state: { phase: 'over', askers: [] },
    effects: [{ kind: 'release' }],
  });
});

test('after every order of messages each place is given back once, and each asker answered or gone', () => {
  const messages = [asked(1), asked(2), left(1), left(2), PERMITTED, ended('a')];
  let orders = 0;
  const visit = (state: QueryRunState, rest: readonly QueryRunMessage<string>[], held: number, waiting: number[]) => {
    if (rest.length === 0) {
      orders += 1;
      assert.ok(held === 0 || held === 1);
      if (state.phase === 'over') assert.deepEqual([held, waiting], [0, []]);
      return;
    }
    for (const message of rest) {
      if (message.kind === 'asked' && (state.phase === 'ending' || state.phase === 'over')) continue;
      // The host permits only what queues, and hears the end only of what it started.
      if (message.kind === 'permitted' && state.phase !== 'waiting') continue;
      if (message.kind === 'ended' && state.phase !== 'running' && state.phase !== 'ending') continue;
      const step = receiveQueryRun(state, message);
      let places = held + (message.kind === 'permitted' ? 1 : 0);
      let open = message.kind === 'asked' ? [...waiting, message.asker] : waiting;
      if (message.kind === 'left') open = open.filter((asker) => asker !== message.asker);
      for (const effect of step.effects) {
        if (effect.kind === 'release') places -= 1;
        if (effect.kind === 'answer') open = open.filter((asker) => !effect.askers.includes(asker));
      }
      visit(
        step.state,
        rest.filter((other) => other !== message),
        places,
        open,
      );
    }
  };
  visit(NEW_QUERY_RUN, messages, 0, []);
  assert.ok(orders > 20, `${orders} orders are too few to show anything`);
});
