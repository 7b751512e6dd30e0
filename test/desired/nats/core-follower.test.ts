import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createInbox, type NatsConnection } from 'nats';
import type { EventStore } from '../../../src/desired/event-store.ts';
import { CoreFollower } from '../../../src/desired/nats/core-follower.ts';
import { EventApplier } from '../../../src/desired/nats/event-applier.ts';
import { EventRecord } from '../../../src/desired/nats/event-record.ts';
import { needsNats, startNats } from '../../services/nats.ts';
import { botEvent, EventPublisher } from './events.ts';

const EVENTS = 300;

/** A follower of the subjects of realtime bots on a server without streams, and the ids of what it applied. */
async function scene(t: TestContext) {
  const server = await startNats();
  t.after(() => server.remove());
  const api = await EventPublisher.connect(server.url);
  t.after(() => api.close());
  const own = await EventPublisher.connect(server.url);
  t.after(() => own.close());
  const applied: string[] = [];
  const store: EventStore = {
    apply: async ({ botId }) => {
      applied.push(botId);
      return 'applied';
    },
    appliedUpTo: async () => null,
    saveAppliedUpTo: async () => {},
  };
  const closing = new AbortController();
  const listener = { applied: () => {}, trouble: (error: Error) => assert.fail(error.message) };
  const record = new EventRecord({ toldMs: 60_000 });
  const applier = new EventApplier('realtime', store, listener, record, closing.signal, {
    retryMs: 5,
    longestRetryMs: 10,
  });
  const options = { streamLookMs: 60_000, mostWaiting: EVENTS, mostWaitingBytes: 10_000_000 };
  const follower = new CoreFollower(own.connection, applier, options);
  let following = Promise.resolve();
  const caughtUp = new Promise<void>((resolve) => {
    following = follower.follow(resolve, async () => false, closing.signal);
  });
  const end = async () => {
    closing.abort();
    await following;
  };
  t.after(end);
  return { api, applied, caughtUp };
}

/** Everything that was sent to the server over this connection has been handed out. */
const settled = (connection: NatsConnection) => connection.flush();

describe('the subjects of lifecycle events, without a stream', needsNats(), () => {
  test('an event is never answered, since its publisher waits for the answer of the stream', async (t) => {
    const { api, applied, caughtUp } = await scene(t);
    const inbox = createInbox();
    const answers: string[] = [];
    api.connection.subscribe(inbox, { callback: (_error, message) => answers.push(message.string()) });
    // The server knows the subscription by now: nothing that is published from here on is missed.
    await caughtUp;
    for (const change of ['created', 'updated', 'deleted']) {
      api.connection.publish(`the0.bot.${change}`, JSON.stringify(botEvent(change)), { reply: inbox });
    }
    while (applied.length < 3) await settled(api.connection);
    await settled(api.connection);
    assert.deepEqual(applied, ['created', 'updated', 'deleted']);
    assert.deepEqual(answers, []);
  });

  test('of two runtimes on the subjects themselves one gets an event', async (t) => {
    const { api, applied, caughtUp } = await scene(t);
    await caughtUp;
    const others: string[] = [];
    // As the Go runtime subscribes (contract 3.1).
    api.connection.subscribe('the0.bot.updated', {
      queue: 'runtime',
      callback: (_error, message) => others.push(JSON.parse(message.string()).id),
    });
    await settled(api.connection);
    const ids = Array.from({ length: EVENTS }, (_, nth) => `bot${nth}`);
    for (const id of ids) api.connection.publish('the0.bot.updated', JSON.stringify(botEvent(id)));
    while (applied.length + others.length < EVENTS) await settled(api.connection);
    assert.deepEqual([...applied, ...others].sort(), ids.toSorted());
    assert.ok(applied.length > 0 && others.length > 0, `${applied.length} and ${others.length}`);
  });
});
