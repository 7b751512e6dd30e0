import type { RecordEffect } from '../../actors/effect.ts';
import type { Route } from '../../actors/route.ts';
import type { DesiredState } from '../desired/desired-state.ts';
import type { RunLedger } from '../desired/run-ledger.ts';
import type { ContainerEngine } from '../engine/container-engine.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Journal } from './journal.ts';
import type { MakeShard, ShardReplacement } from './shard-pool.ts';

export interface SupervisorOptions {
  readonly engine: ContainerEngine;
  readonly desired: DesiredState;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly makeShard: MakeShard;
  /** How many shards; at least 1. */
  readonly shards: number;
  readonly shardReplacement: ShardReplacement;
  /** See `FleetOptions`. */
  readonly offerAgainMs: number;
  readonly lostActorPauseMs: number;
  /** Starts at a time during a flood of first starts, and how many live ones may run besides. */
  readonly floodStarts: number;
  readonly liveStarts: number;
  /** Where runs of scheduled bots are recorded; null for a process that owns no bots. Closed with the supervisor. */
  readonly ledger: RunLedger | null;
  /** Runs of scheduled bots at a time. */
  readonly scheduledRuns: number;
  /** See `LedgerExecutorOptions.callDeadlineMs`. */
  readonly ledgerCallDeadlineMs: number;
  /** See `LedgerExecutorOptions.calls`. */
  readonly ledgerCalls: number;
  /** See `ExecutorOptions.callDeadlineMs`. */
  readonly engineCallDeadlineMs: number;
  /** Questions to actors waiting for an answer at a time. */
  readonly openQuestions: number;
  setRoute(botId: string, route: Route | null): void;
  /** Every transition of every bot, in order per bot. */
  onTransition(record: RecordEffect): void;
  /** The source of the bots has a trouble that is not one bot's. `troubles` holds it until the source says that it is over. */
  onDesiredTrouble?(error: Error): void;
  /** A shard or an actor failed and was replaced, or else something that is not one bot's was not done; in a sentence. */
  onFault(sentence: string, replaced: 'shard' | 'actor' | null): void;
}
