import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExitFacts, Observation } from '../../../actors/observation.ts';
import type { EngineError, EngineListener } from '../../../src/engine/container-engine.ts';

export interface RecordingListener extends EngineListener {
  readonly observations: Observation[];
  readonly listings: ReadonlySet<string>[];
  readonly losses: EngineError[];
  of(botId: string): Observation[];
  /** Waits for the first observation that tells of the end of this run. */
  exitOf(botId: string, incarnation: number): Promise<Observation & { readonly lastExit: ExitFacts }>;
  /** Waits for the first observation of this bot, from `from` on, of which `is` holds. */
  waitFor(botId: string, is: (observation: Observation) => boolean, from?: number): Promise<Observation>;
}

/** Only reached when something is wrong, so it may be long. */
const DEADLINE_MS = 60_000;

/** Remembers all an engine tells. */
export function recordingListener(): RecordingListener {
  const observations: Observation[] = [];
  const listings: ReadonlySet<string>[] = [];
  const losses: EngineError[] = [];
  async function waitFor<Found extends Observation>(
    botId: string,
    is: (observation: Observation) => observation is Found,
    from: number,
  ): Promise<Found> {
    for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await sleep(5)) {
      for (const observation of observations.slice(from)) {
        if (observation.botId === botId && is(observation)) return observation;
      }
    }
    assert.fail(
      `waited in vain; seen of ${botId}: ${JSON.stringify(observations.filter((one) => one.botId === botId))}`,
    );
  }
  return {
    observations,
    listings,
    losses,
    observed: (observation) => observations.push(observation),
    listed: (present) => listings.push(new Set(present)),
    lost: (error) => losses.push(error),
    of: (botId) => observations.filter((observation) => observation.botId === botId),
    waitFor: (botId, is, from = 0) => waitFor(botId, (one): one is Observation => is(one), from),
    exitOf: (botId, incarnation) =>
      waitFor(
        botId,
        (one): one is Observation & { readonly lastExit: ExitFacts } => one.lastExit?.incarnation === incarnation,
        0,
      ),
  };
}
