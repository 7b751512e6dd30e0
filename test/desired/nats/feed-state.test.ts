import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStore, NotedPlace } from '../../../src/desired/event-store.ts';
import { NatsFeed, type NatsFeedOptions } from '../../../src/desired/nats/nats-feed.ts';
import { needsNats, startNats } from '../../services/nats.ts';
import { botEvent, EventPublisher, FEED_OPTIONS } from './events.ts';

/** Keeps what was applied in memory; fails while `isAway`. */
class MemoryStore implements EventStore {
  isAway = false;
  readonly applied: string[] = [];
  #place: NotedPlace | null = null;

  async apply({ botId }: { botId: string }) {
    if (this.isAway) throw new Error('the store is away');
    this.applied.push(botId);
    return 'applied' as const;
  }

  async appliedUpTo() {
    return this.#place;
  }

  async saveAppliedUpTo(_kind: unknown, place: Omit<NotedPlace, 'notedAt'>) {
    this.#place = { ...place, notedAt: Date.now() };
  }
}

async function scene(t: TestContext) {
  const nats = await startNats();
  const api = await EventPublisher.connect(nats.url);
  const store = new MemoryStore();
  const feeds: NatsFeed[] = [];
  t.after(async () => {
    for (const feed of feeds) await feed.close();
    await api.close();
    await nats.remove();
  });
  const start = async (options: Partial<NatsFeedOptions> = {}) => {
    const troubles: string[] = [];
    const feed = new NatsFeed(store, { ...FEED_OPTIONS, servers: nats.url, ...options });
    feeds.push(feed);
    await feed.start({ applied: () => {}, trouble: ({ message }) => troubles.push(message) });
    return { feed, troubles };
  };
  return { nats, api, store, start };
}

const until = async (isSo: () => boolean) => {
  while (!isSo()) await sleep(10);
};

describe('what a feed of lifecycle events says of itself', { ...needsNats(), timeout: 60_000 }, () => {
  test('events that the store has not taken for a while make it unusable, until it takes them', async (t) => {
    const { api, store, start } = await scene(t);
    await api.makeStream();
    const { feed } = await start({ heldToldMs: 200 });
    store.isAway = true;
    await api.publish('bot.created', botEvent('a'));
    await until(() => !feed.state().usable);
    const state = feed.state();
    assert.match(state.usable ? '' : state.reason, /lifecycle events .* held .*the store is away/);
    store.isAway = false;
    await until(() => store.applied.length === 1);
    await until(() => feed.state().usable);
  });

  test('a consumer that was made with other settings is made anew', async (t) => {
    const { api, store, start } = await scene(t);
    await api.makeStream();
    for (const ackWaitMs of [1_000, 60_000]) {
      const { feed } = await start({ ackWaitMs });
      assert.equal((await api.consumer('the0-bot-runner')).config.ack_wait, ackWaitMs * 1e6);
      await api.publish('bot.created', botEvent(`with ${ackWaitMs}`.replace(' ', '-')));
      await until(() => store.applied.includes(`with-${ackWaitMs}`));
      await feed.close();
    }
    const made = (await api.consumer('the0-bot-runner')).created;
    await start({ ackWaitMs: 60_000 });
    assert.equal((await api.consumer('the0-bot-runner')).created, made, 'one that is as it should be stays');
    const manager = await api.connection.jetstreamManager();
    await manager.consumers.update('THE0_EVENTS', 'the0-bot-runner', { filter_subject: 'the0.bot.created' });
    await start({ ackWaitMs: 60_000 });
    assert.equal((await api.consumer('the0-bot-runner')).config.filter_subject, 'the0.bot.*');
  });

  test('without a stream it says that nobody knows what came while NATS was away', async (t) => {
    const { nats, store, start } = await scene(t);
    const { feed, troubles } = await start({ kinds: ['realtime', 'scheduled'], streamLookMs: 60_000 });
    assert.deepEqual(feed.tally.gaps, { expired: 0, replaced: 0, unheard: 0 });
    await nats.stop();
    await until(() => !feed.state().usable);
    await nats.start();
    await until(() => feed.tally.gaps.unheard > 0);
    await until(() => feed.state().usable);
    assert.deepEqual(feed.tally.gaps, { expired: 0, replaced: 0, unheard: 1 });
    assert.match(feed.told.join(), /while NATS was away.* are lost.* save them once more/);
    assert.match(troubles.join(), /while NATS was away/);
    // And it is heard again.
    const again = await EventPublisher.connect(nats.url);
    t.after(() => again.close());
    while (store.applied.length === 0) {
      await again.publishCore('bot.created', botEvent('a'));
      await sleep(20);
    }
  });

  test('without a stream the events that still wait at its end are counted as lost', async (t) => {
    const { api, store, start } = await scene(t);
    const { feed, troubles } = await start({ streamLookMs: 60_000, mostWaiting: 2 });
    store.isAway = true;
    for (const id of ['a', 'b', 'c', 'd']) await api.publishCore('bot.created', botEvent(id));
    // One is being written, two wait, and the last one finds no place: all have come.
    await until(() => feed.tally.events.missed === 1);
    await feed.close();
    assert.equal(feed.tally.events.missed, 4);
    assert.match(troubles.join(), /dropped: the feed ended before they could be stored/);
  });
});
