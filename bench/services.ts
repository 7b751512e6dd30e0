/**
 * Docker mode with all services real: a server of MongoDB's protocol, NATS, MinIO and Docker, keys of each bot's own, the
 * code of the bots in the object store.
 *
 *   node bench/services.ts [--part event-start|mongo-change|cold|query|logs|memory|scheduled] [--json] [--short]
 *
 * Without --part: all of them. Each starts services of its own; test/services/*.sh bring them.
 */
import process from 'node:process';
import { measureParts } from './parts.ts';
import { endAll } from './query/child.ts';
import { cold } from './services/cold.ts';
import { eventStart } from './services/event-start.ts';
import { logs } from './services/logs.ts';
import { memory } from './services/memory.ts';
import { mongoChange } from './services/mongo-change.ts';
import { query } from './services/query.ts';
import { scheduled } from './services/scheduled.ts';

// So that what was started ends with this process.
process.once('SIGTERM', () => process.exit(1));
process.once('exit', endAll);

await measureParts({
  'event-start': eventStart,
  'mongo-change': mongoChange,
  cold,
  query,
  logs,
  memory,
  scheduled,
});
