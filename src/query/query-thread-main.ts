/** What runs in a query thread: one query server, fed by the main thread (query-thread-protocol.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import type { QueryOutcome } from './ephemeral/query-question.ts';
import type { QueryRefusal } from './query-front-end.ts';
import { QueryServer } from './query-server.ts';
import { QueryTally } from './query-tally.ts';
import type { FromQueryThread, QueryThreadStart, ToQueryThread } from './query-thread-protocol.ts';

const port = parentPort;
if (port === null) throw new Error('query-thread-main.ts runs as a worker thread only');

const { tally, ...settings }: QueryThreadStart = workerData;
const asks = new Map<number, { resolve(refusal: QueryRefusal): void; reject(error: Error): void }>();
const runs = new Map<number, (outcome: QueryOutcome) => void>();
let nextAskId = 1;
let nextRunId = 1;

const server = new QueryServer({
  ...settings,
  tally: new QueryTally(tally),
  askWhy: (botId, deadlineMs) =>
    new Promise((resolve, reject) => {
      const askId = nextAskId++;
      asks.set(askId, { resolve, reject });
      post({ kind: 'ask', askId, botId, deadlineMs });
    }),
  runQuery: (question, signal) =>
    new Promise((resolve) => {
      const runId = nextRunId++;
      runs.set(runId, resolve);
      signal.addEventListener('abort', () => {
        runs.delete(runId);
        post({ kind: 'leave', runId });
      });
      post({ kind: 'run', runId, question });
    }),
});

// However this thread ends, its sockets must be closed first: else the whole process aborts.
process.on('exit', () => server.closeNow());

port.on('message', (message: ToQueryThread) => {
  switch (message.kind) {
    case 'routes':
      for (const [botId, route] of message.changes) server.routes.set(botId, route);
      return;
    case 'listen':
      post({ kind: server.listen(message.host, message.port, true) === null ? 'not-listening' : 'listening' });
      return;
    case 'explanation': {
      const ask = asks.get(message.askId);
      asks.delete(message.askId);
      if (message.refusal === null) ask?.reject(new Error('the supervisor could not answer'));
      else ask?.resolve(message.refusal);
      return;
    }
    case 'ran':
      runs.get(message.runId)?.(message.outcome);
      runs.delete(message.runId);
      return;
    case 'crash':
      throw new Error('this query thread was ended on purpose (fault injection)');
    case 'close':
      server.close(message.graceMs).then(() => process.exit(0));
  }
});

function post(message: FromQueryThread): void {
  port?.postMessage(message);
}
