import type { Document } from 'mongodb';
import type { MongoSourceOptions } from '../../../src/desired/mongodb/mongo-source.ts';

/** As the Go runtime writes one (contract 2.2). */
export function botDocument(id: string, config: Document = { symbol: 'BTC/USD' }, more: Document = {}): Document {
  return {
    id,
    segment_id: 1,
    config,
    custom: {
      version: '1.0.0',
      filePath: `user1/${id}/1.0.0`,
      createdAt: '2026-01-02T03:04:05.678Z',
      updatedAt: '2026-01-02T03:04:05.678Z',
      config: {
        name: 'price-alerts',
        description: '',
        runtime: 'nodejs20',
        version: '1.0.0',
        author: '',
        type: 'realtime',
        entrypoints: { bot: 'main.js', query: 'query.js' },
        schema: { bot: {} },
        readme: 'x'.repeat(100),
        metadata: null,
      },
    },
    ...more,
  };
}

/** Small enough that tests need not wait; a change is not seen because of an interval. */
export const SOURCE_OPTIONS: MongoSourceOptions = {
  kinds: ['realtime'],
  createIndexes: true,
  tombstoneMs: 8 * 24 * 3_600_000,
  rereadMs: 3_600_000,
  watchedRereadMs: 3_600_000,
  retryMs: 20,
  longestRetryMs: 200,
  supportCheckMs: 3_600_000,
  emptyPauseMs: 5,
  longestEmptyPauseMs: 5,
  gatherMs: 10,
  batch: 100,
  mostHints: 1_000,
  readMs: 3_000,
  lookMs: 600,
  mostLooks: 1_000,
  absentMs: 0,
};

export const MONGO_LIMITS = { waitMs: 5_000, silenceMs: 10_000, connections: 20 };
