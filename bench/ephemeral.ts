/**
 * Questions to bots that do not run: the bot's query program runs in a container of its own, with code and state from the
 * object store, and its answer comes back through the store (contract 8.4).
 *
 *   node bench/ephemeral.ts [--part time|close] [--json] [--short]
 *
 * The floor is `docker run --rm` of the same command: the same image, environment, limits and memory file systems, so that it
 * fetches and stores the same; one after the other in turn with the questions. Needs Docker with the runtime's image, and MinIO.
 */
import { closeQueries } from './ephemeral/close-queries.ts';
import { timeOfQuery } from './ephemeral/time-of-query.ts';
import { measureParts } from './parts.ts';

await measureParts({ time: timeOfQuery, close: closeQueries });
