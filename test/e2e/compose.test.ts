import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { openMinioStore } from '../../src/storage/minio/open-minio-store.ts';
import { bodyOf, DEFAULT_BUCKETS, type ObjectStore } from '../../src/storage/object-store.ts';
import { EventPublisher } from '../desired/nats/events.ts';
import { docker } from '../services/docker.ts';
import { handMade } from '../storage/code-archive/archives.ts';
import { type ComposeProject, composeProject, needsCompose } from './compose-project.ts';
import { type Answer, poll, post } from './runtime-under-test.ts';

const DEADLINE_MS = 60_000;
const POLL_MS = 100;
const SUFFIX = randomBytes(4).toString('hex');

/** What the API makes of a bot that somebody creates (contract 3.2, 4.1). */
interface PublishedBot {
  readonly id: string;
  readonly kind: 'realtime' | 'scheduled';
  readonly files: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
}

const TICKER: PublishedBot = {
  id: `ticker-${SUFFIX}`,
  kind: 'realtime',
  config: { symbol: 'BTC/USD' },
  files: {
    'main.py': 'from the0 import sleep\ndef main(bot_id, config):\n  while True: sleep(1)\n',
    'query.py': SYMBOL_QUERY(),
  },
};

function SYMBOL_QUERY(): string {
  return "from the0 import query\n@query.handler('/symbol')\ndef symbol(req): return query.get_config()['symbol']\nquery.run()\n";
}

describe('the services of images/compose', { ...(await needsCompose()), timeout: 300_000 }, () => {
  let project: ComposeProject;
  let api: EventPublisher;
  let store: ObjectStore;

  before(async () => {
    project = await composeProject();
    await project.compose('up', '--detach', '--wait');
  });
  after(async () => {
    await api?.close();
    store?.close();
    await project?.remove();
  });
});
