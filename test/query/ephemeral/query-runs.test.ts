import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { canonicalParams } from '../../../src/query/ephemeral/canonical-params.ts';
import type { QueryOutcome, QueryQuestion } from '../../../src/query/ephemeral/query-question.ts';
import { QueryRuns } from '../../../src/query/ephemeral/query-runs.ts';

const NEVER = new AbortController().signal;
const question = (botId: string, params = '{}', path = '/x'): QueryQuestion => ({ botId, path, params });

interface Started {
  readonly question: QueryQuestion;
  readonly signal: AbortSignal;
  end(error: string): void;
}

/** Runs that end when the test says so, or when they are given up. */
function runs(limits: { runs?: number; runsPerBot?: number; runsWaiting?: number } = {}) {
  const started: Started[] = [];
  const revisions = new Map<string, string>();
  const made = new QueryRuns({
    limits: { runs: 8, runsPerBot: 8, runsWaiting: 8, ...limits },
    revisionOf: (botId) => revisions.get(botId) ?? '',
    run: (asked, signal) =>
      new Promise((resolve) => {
        const end = (error: string) => resolve({ kind: 'failed', error });
        signal.addEventListener('abort', () => end('given up'));
        started.push({ question: asked, signal, end });
      }),
  });
  return { made, started, revisions };
}

function errorOf(outcome: QueryOutcome): string {
  assert.equal(outcome.kind, 'failed');
  return outcome.error;
}

test('who asks the same while a run goes on shares it, however the parameters are written', async () => {
  const { made, started } = runs();
  const all = [
    made.ask(question('a', '{"x":1,"y":[1.0,"z"]}'), NEVER),
    made.ask(question('a', '{ "y" : [1.0, "z"], "x":1 }'), NEVER),
  ];
  assert.equal(started.length, 1);
  started[0]?.end('one for all');
  assert.deepEqual((await Promise.all(all)).map(errorOf), ['one for all', 'one for all']);
  void made.ask(question('a', '{"x":1,"y":[1.0,"z"]}'), NEVER);
  assert.equal(started.length, 2, 'an answer is not kept for later');
});

test('another bot, path, parameter or revision is another question', () => {
  const { made, started, revisions } = runs();
  const ask = (one: QueryQuestion) => void made.ask(one, NEVER);
  ask(question('a'));
  ask(question('b'));
  ask(question('a', '{}', '/y'));
  ask(question('a', '{"n":1}'));
  ask(question('a', '{"n":"1"}'));
  revisions.set('a', 'edited');
  ask(question('a'));
  assert.equal(started.length, 6);
});

test('numbers that JSON.parse takes for the same are told apart, and so are strings that look like them', () => {
  const texts = ['{"n":12345678901234567890}', '{"n":12345678901234567891}', '{"n":1}', '{"n":"1"}', '{"n":"n1"}'];
  assert.equal(new Set(texts.map(canonicalParams)).size, texts.length);
  assert.equal(canonicalParams('{"a\\"b":"\\\\","c":-1e5}'), canonicalParams('{"c":-1e5, "a\\"b":"\\\\"}'));
  const deep = '['.repeat(200_000);
  assert.equal(canonicalParams(deep), deep);
});

test('so many run at a time, so many of one bot, and the others get their turn', async () => {
  const { made, started } = runs({ runs: 3, runsPerBot: 2 });
  const asked = [1, 2, 3].map((n) => made.ask(question('a', `{"n":${n}}`), NEVER));
  const other = [1, 2].map((n) => made.ask(question('b', `{"n":${n}}`), NEVER));
  assert.deepEqual(
    started.map((run) => run.question.botId),
    ['a', 'a', 'b'],
  );
  started[2]?.end('done');
  await other[0];
  assert.deepEqual(
    started.map((run) => run.question.botId),
    ['a', 'a', 'b', 'b'],
  );
  for (let at = 0; at < 5; at += 1) {
    started[at]?.end('done');
    await turn();
  }
  await Promise.all([...asked, ...other]);
  assert.equal(started.length, 5);
});

test('more than may wait are told to come again', async () => {
  const { made, started } = runs({ runs: 1, runsWaiting: 2 });
  for (const n of [1, 2, 3]) void made.ask(question('a', `{"n":${n}}`), NEVER);
  const outcome = await made.ask(question('a', '{"n":4}'), NEVER);
  assert.equal(outcome.kind, 'busy');
  assert.match(outcome.why, /1 are being answered and 2 wait/);
  assert.equal(started.length, 1);
  const joined = made.ask(question('a', '{"n":1}'), NEVER);
  started[0]?.end('shared');
  assert.equal(errorOf(await joined), 'shared', 'a share of a run that goes on takes no room');
});

test('a run is ended when its last asker has hung up, and who asks then gets one of its own', async () => {
  const { made, started } = runs({ runs: 1 });
  const [first, second] = [new AbortController(), new AbortController()];
  const answers = [made.ask(question('a'), first.signal), made.ask(question('a'), second.signal)];
  first.abort();
  assert.equal(started[0]?.signal.aborted, false);
  second.abort();
  assert.equal(started[0]?.signal.aborted, true);
  await Promise.all(answers);
  const third = made.ask(question('a'), NEVER);
  await turn();
  assert.equal(started.length, 2, 'its place is free again');
  started[1]?.end('anew');
  assert.equal(errorOf(await third), 'anew');
});

test('who hangs up while waiting gives up the turn', async () => {
  const { made, started } = runs({ runs: 1 });
  const leave = new AbortController();
  void made.ask(question('a', '{"n":1}'), NEVER);
  const second = made.ask(question('a', '{"n":2}'), leave.signal);
  const third = made.ask(question('a', '{"n":3}'), NEVER);
  leave.abort();
  await second;
  started[0]?.end('done');
  await turn();
  assert.deepEqual(
    started.map((run) => run.question.params),
    ['{"n":1}', '{"n":3}'],
  );
  started[1]?.end('done');
  await third;
});

test('a runner that fails is an answer, and no place is lost', async () => {
  let calls = 0;
  const made = new QueryRuns({
    limits: { runs: 1, runsPerBot: 1, runsWaiting: 1 },
    revisionOf: () => '',
    run: async () => {
      calls += 1;
      throw new Error('no engine');
    },
  });
  assert.equal(errorOf(await made.ask(question('a'), NEVER)), 'no engine');
  assert.equal(errorOf(await made.ask(question('a'), NEVER)), 'no engine');
  assert.equal(calls, 2);
});

test('closing ends what runs and what waits, and waits for it', async () => {
  const { made, started } = runs({ runs: 1 });
  const asked = [1, 2].map((n) => made.ask(question('a', `{"n":${n}}`), NEVER));
  await made.close();
  assert.equal(started[0]?.signal.aborted, true);
  assert.deepEqual(
    (await Promise.all(asked)).map(({ kind }) => kind),
    ['busy', 'busy'],
  );
  assert.equal((await made.ask(question('a'), NEVER)).kind, 'busy');
});
