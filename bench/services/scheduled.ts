import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Document, MongoClient } from 'mongodb';
import { shardMaker } from '../../src/commands/actor-shards.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import { botsOf } from '../../src/desired/mongodb/collections.ts';
import { MongoRunLedger } from '../../src/desired/mongodb/mongo-run-ledger.ts';
import { MongoSource } from '../../src/desired/mongodb/mongo-source.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Journal } from '../../src/supervisor/journal.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { poll } from '../../test/e2e/runtime-under-test.ts';
import { startMongo } from '../../test/services/mongodb.ts';
import { FakeEngine } from '../../test/supervisor/fake-engine.ts';
import type { Part } from '../parts.ts';
import { exactly, type Row } from '../report.ts';
import { botOf, idsOf } from './scene.ts';

/** Time for all bots to be known and their next occurrences to be planned. */
const LEAD_MS = 60_000;
const PATIENCE_MS = 180_000;
const RUN_MS = 50;
const BAR = 1.5;

/**
 * Many scheduled bots that are due in the same second: the real supervisor, shards, MongoDB and ledger of runs, and a fake
 * engine whose runs take a moment. Compared with a bare loop that writes as much for each, as many at a time.
 */
export const scheduled: Part = async (short) => {
  const count = short ? 200 : 2_000;
  const mongo = await startMongo();
  const directory = await mkdtemp(join(tmpdir(), 'the0-bench-scheduled-'));
  const client = await MongoClient.connect(mongo.uri, { maxPoolSize: 20 });
  try {
    const dueAt = Math.ceil((Date.now() + LEAD_MS) / 1_000) * 1_000;
    const ids = idsOf('due', count);
    await botsOf(client, 'scheduled').insertMany(ids.map((id): Document => botOf({ id, schedule: cronOf(dueAt) })));
    const { settings } = loadSettings(process.env, { 'data-dir': directory });
    const found = await runAll(client, settings, directory, ids, dueAt);
    const floor = await bareLoop(client, ids, settings.schedules.runs);
    const ratio = found.ms / floor;
    const rows: Row[] = [
      exactly(`${count} scheduled bots due in the same second: runs`, found.runs, count, 'runs'),
      exactly('bots that ran another number of times than once', found.notOnce, 0, 'bots'),
      exactly('records in MongoDB that are not those of a finished run of that second', found.unfinished, 0, 'records'),
      {
        what: 'runs at the same time, most',
        figure: found.most,
        unit: 'runs',
        floor: settings.schedules.runs,
        ratio: found.most / settings.schedules.runs,
        bar: `<= ${settings.schedules.runs}`,
        pass: found.most <= settings.schedules.runs,
      },
      {
        what: `${count} scheduled bots, from the second they are due to the last finished record`,
        figure: found.ms,
        unit: 'ms',
        floor,
        ratio,
        bar: `<= ${BAR}`,
        pass: ratio <= BAR,
      },
    ];
    return {
      rows,
      notes: [
        `All were known and planned ${Math.round(found.readyMs / 1_000)} s before they were due; the first run began ${Math.round(found.firstMs)} ms after that second. Each run takes ${RUN_MS} ms. The bare loop claims, starts and finishes each run in MongoDB as the ledger does, and waits as long.`,
      ],
    };
  } finally {
    await client.close();
    await mongo.remove();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
};

async function runAll(
  client: MongoClient,
  settings: Settings,
  directory: string,
  ids: readonly string[],
  dueAt: number,
) {
  const engine = new FakeEngine(systemClock);
  engine.containers.runMs = () => RUN_MS;
  const journal = new Journal({ directory: join(directory, 'journal'), clock: systemClock, ...settings.journal });
  await journal.open();
  const faults: string[] = [];
  const supervisor = new Supervisor({
    engine,
    desired: new MongoSource(client, null, { kinds: ['scheduled'], createIndexes: true, ...settings.services.desired }),
    journal,
    clock: systemClock,
    makeShard: shardMaker(settings, 'owner'),
    shards: Math.max(1, settings.shards),
    shardReplacement: settings.shardReplace,
    offerAgainMs: settings.offerAgainMs,
    lostActorPauseMs: settings.lostActorPauseMs,
    floodStarts: settings.changes.startConcurrency,
    liveStarts: settings.changes.liveStartConcurrency,
    ledger: new MongoRunLedger(client, 'bench'),
    scheduledRuns: settings.schedules.runs,
    ledgerCallDeadlineMs: settings.schedules.ledgerDeadlineMs,
    ledgerCalls: settings.schedules.ledgerCalls,
    engineCallDeadlineMs: PATIENCE_MS,
    openQuestions: settings.query.limits.inFlightTotal,
    setRoute: () => {},
    onTransition: () => {},
    onFault: (sentence) => void faults.push(sentence),
  });
  const bots = botsOf(client, 'scheduled');
  const next = { next_execution_time: dueAt / 1_000 };
  try {
    await supervisor.start();
    const planned = async () => ((await bots.countDocuments(next)) === ids.length ? Date.now() : undefined);
    const readyAt = await poll('all occurrences to be planned', planned, PATIENCE_MS, 100);
    if (readyAt > dueAt) throw new Error('the bots were due before all were planned: a busy machine');
    const { containers } = engine;
    let most = 0;
    let firstAt = 0;
    const look = setInterval(() => {
      if (firstAt === 0 && containers.runs.length > 0) firstAt = Date.now();
      most = Math.max(most, containers.list().filter(({ container }) => container?.phase === 'running').length);
    }, 10);
    const finished = { 'the0_schedule.run.state': 'finished', 'the0_schedule.run.occurrence': dueAt / 1_000 };
    const all = async () => ((await bots.countDocuments(finished)) >= ids.length ? Date.now() : undefined);
    const endedAt = await poll('all runs to be recorded', all, PATIENCE_MS, 100).catch(() => Number.NaN);
    clearInterval(look);
    const times = new Map(ids.map((id) => [id, 0]));
    for (const run of containers.runs) {
      const id = run.split('@')[0] ?? '';
      times.set(id, (times.get(id) ?? 0) + 1);
    }
    if (engine.violations.length + faults.length > 0) throw new Error([...engine.violations, ...faults].join('; '));
    return {
      runs: containers.runs.length,
      notOnce: [...times.values()].filter((ran) => ran !== 1).length,
      unfinished: ids.length - (await bots.countDocuments(finished)),
      most,
      ms: endedAt - dueAt,
      readyMs: dueAt - readyAt,
      firstMs: firstAt - dueAt,
    };
  } finally {
    await supervisor.close();
    await journal.close();
  }
}

/** Claims, starts and finishes a run of each in MongoDB, `width` at a time. @returns milliseconds */
async function bareLoop(client: MongoClient, ids: readonly string[], width: number): Promise<number> {
  const ledger = new MongoRunLedger(client, 'floor');
  const queue = [...ids];
  const begun = performance.now();
  const worker = async () => {
    for (let botId = queue.shift(); botId !== undefined; botId = queue.shift()) {
      const record = await ledger.read(botId);
      const expected = record?.next ?? null;
      const occurrence = (record?.run?.occurrence ?? 0) + 1;
      const at = Date.now();
      const claimed = await ledger.claim({ botId, occurrence, expected, next: expected, incarnation: 1, at });
      if (claimed?.run?.occurrence !== occurrence) throw new Error(`the bare loop could not claim ${botId}`);
      await ledger.started({ botId, occurrence, at });
      await new Promise((resolve) => setTimeout(resolve, RUN_MS));
      await ledger.finished({ botId, occurrence, at, exitCode: 0 });
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return performance.now() - begun;
}

/** That second and no other for a year. */
function cronOf(atMs: number): string {
  const at = new Date(atMs);
  const [second, minute, hour] = [at.getUTCSeconds(), at.getUTCMinutes(), at.getUTCHours()];
  return `${second} ${minute} ${hour} ${at.getUTCDate()} ${at.getUTCMonth() + 1} *`;
}
