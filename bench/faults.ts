/**
 * Threads that die: what it costs the bots and those who ask. The runtime runs in this process, with bots on the process
 * engine, 2 shards and 2 query threads.
 *
 *   node --import ./bench/faults/bomb.ts bench/faults.ts [--json] [--short]
 *
 * Without `--import` no shard can be made to throw, and that row is left out.
 */
import process from 'node:process';
import { detonate, isArmed } from './faults/detonate.ts';
import { allQueryThreadsDie, oneQueryThreadDies } from './faults/query-thread-death.ts';
import { openScene, SHARDS } from './faults/scene.ts';
import { type ShardDeath, shardDies } from './faults/shard-death.ts';
import { shardThrows } from './faults/shard-throws.ts';
import { atMost, exactly, median, type Row, report } from './report.ts';

const json = process.argv.includes('--json');
const short = process.argv.includes('--short');
const botCount = short ? 8 : 20;
const roundsPerShard = short ? 1 : 2;
const BAR_MS = 1000;
/** A shard that lives answers at once; this is only to tell it from one that waits for its neighbour. */
const NEIGHBOUR_BAR_MS = 50;

const notes: string[] = [];
const rows: Row[] = [];
const scene = await openScene(botCount);
try {
  const deaths: ShardDeath[] = [];
  for (let round = 0; round < roundsPerShard; round += 1) {
    for (const shardId of SHARDS) {
      const victim = scene.onShard(shardId)[round];
      if (victim === undefined) throw new Error(`${shardId} has too few bots`);
      deaths.push(await shardDies(scene, shardId, victim, () => scene.runtime.supervisor.killShard(shardId)));
    }
  }
  const governedMs = Math.max(...deaths.map((death) => death.governedMs));
  const restartMs = Math.max(...deaths.map((death) => death.restartMs));
  const needlessStarts = Math.max(...deaths.map((death) => death.needlessStarts));
  const neighbourMs = median(deaths.map((death) => death.neighbourMs));
  rows.push(
    atMost('shard dies: its bots are governed again', governedMs, BAR_MS, 'ms'),
    atMost('shard dies: a bot that crashed meanwhile is told to start', restartMs, BAR_MS, 'ms'),
    exactly('shard dies: bots started needlessly', needlessStarts, 0, 'bots'),
    atMost('shard dies: longest answer on the other shard, p50', neighbourMs, NEIGHBOUR_BAR_MS, 'ms'),
  );
  notes.push(
    `${botCount} bots, ${deaths.length} deaths of shards; slowest unless it says p50. In ${deaths.filter(({ wasOutage }) => wasOutage).length} of them the crash of the bot was seen while there was no shard.`,
  );

  if (isArmed()) {
    const thrown = await shardThrows(scene, detonate);
    rows.push(
      atMost('shard throws where nobody catches: governed again', thrown.governedMs, BAR_MS, 'ms'),
      exactly('shard throws: bots started needlessly', thrown.needlessStarts, 0, 'bots'),
    );
  } else notes.push('No shard was made to throw: run with --import ./bench/faults/bomb.ts');

  const before = scene.ids.map(scene.processes);
  const one = await oneQueryThreadDies(scene);
  const servedMs = await allQueryThreadsDie(scene);
  const started = scene.ids.filter((id, index) => scene.processes(id) !== before[index]);
  rows.push(
    exactly('query thread dies: failed queries begun after its death', one.failedLater, 0, 'queries'),
    atMost('query thread dies: failed queries, at most one per connection', one.failed, botCount, 'queries'),
    atMost('query thread dies: longest time without an answer', one.silenceMs, BAR_MS, 'ms'),
    atMost('all query threads die: port served again', servedMs, BAR_MS, 'ms'),
    exactly('query threads die: bots started', started.length, 0, 'bots'),
  );
  notes.push(`${one.queries} queries on ${botCount} connections while one query thread died, ${one.failed} failed.`);
  report(rows, { json, notes });
} finally {
  await scene.end();
}
