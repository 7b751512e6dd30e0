import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueryOutcome, QueryQuestion, RunQuery } from '../../src/query/ephemeral/query-question.ts';
import { ask, frontEnd, until } from './fixture.ts';

const QUERY = { bot_id: 'b', query_path: 'x' };
const RUNNABLE = async () => ({ kind: 'runnable', revision: 'a' }) as const;

function ended(
  result: unknown,
  more: { exitCode?: number; logTail?: string; resultTrouble?: string } = {},
): QueryOutcome {
  const bytes = result === null ? null : Buffer.from(typeof result === 'string' ? result : JSON.stringify(result));
  return { kind: 'ended', exitCode: 0, logTail: '', resultTrouble: null, result: bytes, ...more };
}

/** Answers each question when the test says so. */
function runner() {
  const asked: { question: QueryQuestion; signal: AbortSignal; answer: (outcome: QueryOutcome) => void }[] = [];
  const runQuery: RunQuery = (question, signal) =>
    new Promise((answer) => {
      asked.push({ question, signal, answer });
    });
  return { asked, runQuery };
}

for (const threads of [0, 1]) {
  test(`with ${threads} threads: a bot that does not run answers by its program`, async (t) => {
    const { asked, runQuery } = runner();
    const made = await frontEnd(t, { threads, askWhy: RUNNABLE, runQuery });
    const { port } = made.address;
    const first = ask(port, { ...QUERY, params: { n: 1, s: 'ü' } });
    await until(() => asked.length === 1, 'the question arrives');
    assert.deepEqual(asked[0]?.question, { botId: 'b', path: '/x', params: '{"n":1,"s":"ü"}' });
    asked[0]?.answer(ended({ status: 'ok', data: { big: '1'.repeat(100_000) } }));
    const { status, text } = await first;
    assert.equal(status, 200);
    const body = JSON.parse(text);
    assert.equal(body.data.big.length, 100_000);
    assert.ok(Number.isInteger(body.duration) && body.duration > 0);
  });

  test(`with ${threads} threads: who asks the same shares the question, and the last who hangs up ends it`, async (t) => {
    const { asked, runQuery } = runner();
    const made = await frontEnd(t, { threads, askWhy: RUNNABLE, runQuery });
    const { port } = made.address;
    const [one, two] = [new AbortController(), new AbortController()];
    const all = [one, two].map(({ signal }) => ask(port, QUERY, { signal }).catch((error: unknown) => error));
    const third = ask(port, QUERY);
    await until(() => asked.length === 1, 'the question arrives');
    one.abort();
    two.abort();
    await Promise.all(all);
    // A question after them, on the same way, shows that they have been heard.
    const other = ask(port, { ...QUERY, query_path: '/other' });
    await until(() => asked.length === 2, 'the other question arrives');
    assert.equal(asked[0]?.signal.aborted, false);
    asked[0]?.answer(ended({ status: 'ok', data: 1 }));
    assert.equal((await third).status, 200);
    asked[1]?.answer(ended({ status: 'ok' }));
    await other;

    const hangUp = new AbortController();
    const lost = ask(port, QUERY, { signal: hangUp.signal }).catch((error: unknown) => error);
    await until(() => asked.length === 3, 'a new question is a new run');
    hangUp.abort();
    await lost;
    await until(() => asked[2]?.signal.aborted === true, 'it is given up');
  });

  test(`with ${threads} threads: a question after a change is not answered by the program as it was before`, async (t) => {
    const { asked, runQuery } = runner();
    let revision = 'before';
    const made = await frontEnd(t, { threads, askWhy: async () => ({ kind: 'runnable', revision }), runQuery });
    const { port } = made.address;
    const before = ask(port, QUERY);
    await until(() => asked.length === 1, 'the question arrives');
    revision = 'after';
    const after = ask(port, QUERY);
    await until(() => asked.length === 2, 'it is a run of its own');
    for (const [at, { answer }] of asked.entries()) answer(ended({ status: 'ok', data: at }));
    const data = [before, after].map(async (answer) => JSON.parse((await answer).text).data);
    assert.deepEqual(await Promise.all(data), [0, 1]);
  });

  test(`with ${threads} threads: the time of the question is the time of the run`, async (t) => {
    const { asked, runQuery } = runner();
    const made = await frontEnd(t, { threads, askWhy: RUNNABLE, runQuery });
    const { status, text } = await ask(made.address.port, { ...QUERY, timeout_sec: 1 });
    assert.equal(status, 500);
    assert.match(text, /bot b does not run, and its query program did not answer within 1 s/);
    await until(() => asked[0]?.signal.aborted === true, 'the run is given up');
  });
}

test('runs in which a thread that dies had a share are given up', async (t) => {
  const { asked, runQuery } = runner();
  const made = await frontEnd(t, { threads: 1, askWhy: RUNNABLE, runQuery, onTrouble: () => undefined });
  const lost = ask(made.address.port, QUERY).catch((error: unknown) => error);
  await until(() => asked.length === 1, 'the question arrives');
  made.killThread(0);
  await until(() => asked[0]?.signal.aborted === true, 'the run is given up');
  await lost;
});

const ANSWERS: readonly [what: string, outcome: QueryOutcome, status: number, error: RegExp | null][] = [
  [
    "a handler's own error is kept",
    ended({ status: 'error', error: 'no such market' }, { exitCode: 1 }),
    500,
    /^no such market$/,
  ],
  [
    'without a result the exit code and the output are the error',
    ended(null, { exitCode: 3, logTail: 'Traceback' }),
    500,
    /^query container exited with code 3: Traceback$/,
  ],
  [
    'a program that failed after it had answered has failed',
    ended({ status: 'ok', data: 1 }, { exitCode: 9, logTail: 'x' }),
    500,
    /^query container exited with code 9: x$/,
  ],
  [
    'half a result of a program that failed is none',
    ended('{"status":"er', { exitCode: 1, logTail: 'x' }),
    500,
    /^query container exited with code 1: x$/,
  ],
  [
    'success without a result is an error',
    ended(null, { resultTrouble: 'there is none' }),
    500,
    /^failed to download query result: there is none$/,
  ],
  [
    'a result that is no JSON is an error',
    ended('<html>'),
    500,
    /^failed to parse query response: .*\(body: <html>\)$/,
  ],
  [
    'a result above the limit is an error',
    ended({ data: 'x'.repeat(2_000_000) }),
    500,
    /the answer is too large: .*answerBytes/,
  ],
  ['a status of its own is passed on', ended({ status: 'partial', data: null }), 200, null],
  ['no room is 503', { kind: 'busy', why: 'too many' }, 503, /^too many; try again$/],
  [
    'what keeps the program from being run is told',
    { kind: 'failed', error: 'no image' },
    500,
    /^failed to execute query request: no image$/,
  ],
];

for (const [what, outcome, expected, error] of ANSWERS) {
  test(what, async (t) => {
    const made = await frontEnd(t, { askWhy: RUNNABLE, runQuery: async () => outcome });
    const { status, text, headers } = await ask(made.address.port, QUERY);
    assert.equal(status, expected);
    if (status === 503) assert.equal(headers.get('retry-after'), '1');
    const body: { error?: string } = JSON.parse(text);
    if (error === null) assert.equal(body.error, undefined);
    else assert.match(body.error ?? '', error);
  });
}

test('more questions to one bot than allowed are told to come again, and the place of one that left is free', async (t) => {
  const { asked, runQuery } = runner();
  const made = await frontEnd(t, { askWhy: RUNNABLE, runQuery, limits: { runAsksPerBot: 2 } });
  const { port } = made.address;
  const hangUp = new AbortController();
  const first = ask(port, QUERY, { signal: hangUp.signal }).catch((error: unknown) => error);
  const second = ask(port, { ...QUERY, query_path: '/y' });
  await until(() => asked.length === 2, 'both questions arrive');
  assert.equal((await ask(port, { ...QUERY, query_path: '/z' })).status, 503);
  hangUp.abort();
  await first;
  const third = ask(port, { ...QUERY, query_path: '/z' });
  await until(() => asked.length === 3, 'there is room again');
  for (const { answer } of asked) answer(ended({ status: 'ok' }));
  assert.deepEqual([(await second).status, (await third).status], [200, 200]);
});
