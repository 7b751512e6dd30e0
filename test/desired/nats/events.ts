import { randomUUID } from 'node:crypto';
import { connect, ErrorCode, type NatsConnection, NatsError, RetentionPolicy, StorageType } from 'nats';
import type { NatsFeedOptions } from '../../../src/desired/nats/nats-feed.ts';

export const FEED_OPTIONS: Omit<NatsFeedOptions, 'servers'> = {
  kinds: ['realtime'],
  connectMs: 2_000,
  reconnectMs: 50,
  pingMs: 20_000,
  connectWaitMs: 20_000,
  backlogWaitMs: 60_000,
  ackWaitMs: 5_000,
  noteMs: 100,
  streamLookMs: 50,
  retryMs: 20,
  longestRetryMs: 200,
  heldToldMs: 60_000,
  batchMs: 5_000,
  batch: 200,
  mostBots: 10_000,
  atOnce: 8,
  deletionsKeptMs: 8 * 24 * 3_600_000,
  toldMs: 3_600_000,
  mostWaiting: 1_000,
  mostWaitingBytes: 10_000_000,
};

const SUBJECTS = ['bot', 'bot-schedule'].flatMap((kind) =>
  ['created', 'updated', 'deleted'].map((change) => `the0.${kind}.${change}`),
);

/** Does what the API does (contract 3.1): makes the stream, publishes events into it. */
export class EventPublisher {
  readonly connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.connection = connection;
  }

  static async connect(url: string, login: { user?: string; pass?: string } = {}): Promise<EventPublisher> {
    return new EventPublisher(
      await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, noRandomize: true, ...login }),
    );
  }

  async makeStream(more: { max_msgs?: number; max_age?: number } = {}): Promise<void> {
    const manager = await this.connection.jetstreamManager();
    await manager.streams.add({
      name: 'THE0_EVENTS',
      subjects: SUBJECTS,
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      max_age: 7 * 24 * 3_600 * 1e9,
      ...more,
    });
  }

  async removeStream(): Promise<void> {
    await (await this.connection.jetstreamManager()).streams.delete('THE0_EVENTS');
  }

  /** Into the stream, once; resolves when the server has it. A server that is restarted meanwhile may not have heard of it. */
  async publish(subject: string, payload: unknown): Promise<void> {
    const msgID = randomUUID();
    const stream = this.connection.jetstream();
    for (let triesLeft = 3; ; triesLeft -= 1) {
      try {
        await stream.publish(`the0.${subject}`, JSON.stringify(payload), { msgID });
        return;
      } catch (error) {
        const isUnheard = error instanceof NatsError && error.code === ErrorCode.Timeout;
        if (!isUnheard || triesLeft === 0) throw error;
      }
    }
  }

  /** Without a stream. */
  async publishCore(subject: string, payload: unknown): Promise<void> {
    this.connection.publish(`the0.${subject}`, JSON.stringify(payload));
    await this.connection.flush();
  }

  async consumer(name: string) {
    return await (await this.connection.jetstreamManager()).consumers.info('THE0_EVENTS', name);
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

export function botEvent(id: string, config: Record<string, unknown> = {}) {
  return {
    id,
    config: { name: 'n', type: 'realtime/price-alerts', version: '1.1.2', ...config },
    custom: {
      config: {
        name: 'price-alerts',
        runtime: 'nodejs20',
        version: '1.1.2',
        type: 'realtime',
        author: 'a',
        description: 'd',
        entrypoints: { bot: 'main.js' },
        schema: { bot: {} },
        readme: 'r'.repeat(1_000),
        metadata: {},
        hasFrontend: true,
      },
      createdAt: '2026-01-02T03:04:05.678Z',
      updatedAt: '2026-01-02T03:04:05.678Z',
      filePath: 'user/price-alerts/1.1.2',
      version: '1.1.2',
    },
  };
}
