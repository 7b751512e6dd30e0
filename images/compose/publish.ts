/**
 * Publishes one bot the way the API of the0 does (contract 3.1, 3.2), for whoever has none. Its code must be in the object
 * store already: `the0-runtime deploy` puts it there, and says so in the `bot.json` that it writes.
 */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { connect, RetentionPolicy, StorageType } from 'nats';
import * as v from 'valibot';
import { STREAM } from '../../src/desired/nats/subjects.ts';

const USAGE = `Usage: npx node images/compose/publish.ts [--delete] <bot.json>

  NATS_PASSWORD   password of the user "the0"
  NATS_PORT       on this host (default 4222)
`;
const WEEK_NS = 7 * 24 * 3_600 * 1e9;

const BOT = v.object({
  id: v.string(),
  config: v.optional(v.record(v.string(), v.unknown()), {}),
  enabled: v.optional(v.boolean()),
  custom: v.looseObject({
    filePath: v.string(),
    config: v.looseObject({ type: v.picklist(['realtime', 'scheduled']) }),
  }),
});

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { delete: { type: 'boolean' } }, allowPositionals: true });
  const [path, ...others] = positionals;
  if (path === undefined || others.length > 0) throw new Error(USAGE);
  const { id, config, enabled, custom } = v.parse(BOT, JSON.parse(await readFile(path, 'utf8')));
  const kind = custom.config.type === 'realtime' ? 'bot' : 'bot-schedule';
  const now = new Date().toISOString();
  // There is no field for it in an event but this one; `updated` makes a bot that is not there yet.
  const wanted = enabled === undefined ? config : { ...config, enabled };
  const [change, event] =
    values.delete === true
      ? ['deleted', { id, config: wanted }]
      : ['updated', { id, config: wanted, custom: { ...custom, createdAt: now, updatedAt: now } }];

  const { NATS_PORT: port = '4222', NATS_PASSWORD: pass = '' } = process.env;
  const connection = await connect({ servers: `127.0.0.1:${port}`, user: 'the0', pass });
  try {
    const manager = await connection.jetstreamManager();
    const subjects = ['bot', 'bot-schedule'].flatMap((word) =>
      ['created', 'updated', 'deleted'].map((what) => `the0.${word}.${what}`),
    );
    const settings = { storage: StorageType.File, retention: RetentionPolicy.Limits, max_age: WEEK_NS };
    // What else can be wrong than that it is not there yet, `add` says as well.
    const isThere = await manager.streams.info(STREAM).then(
      () => true,
      () => false,
    );
    if (!isThere) await manager.streams.add({ name: STREAM, subjects, ...settings });
    await connection.jetstream().publish(`the0.${kind}.${change}`, JSON.stringify(event));
  } finally {
    await connection.close();
  }
  process.stdout.write(`Published the0.${kind}.${change} of ${id}.\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
