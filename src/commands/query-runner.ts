import { randomBytes } from 'node:crypto';
import { secretMask } from '../agent/secret-mask.ts';
import type { Settings } from '../config/settings.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import { isStored } from '../engine/bot-environment.ts';
import type { ContainerEngine, QueryRunResult } from '../engine/container-engine.ts';
import type { QueryOutcome, QueryQuestion, QueryRunEnd } from '../query/ephemeral/query-question.ts';
import { QueryRuns } from '../query/ephemeral/query-runs.ts';
import { readStoredResult } from '../query/ephemeral/stored-result.ts';
import type { RuntimeStore } from './object-store.ts';

export interface QueryRunnerParts {
  readonly definitionOf: (botId: string) => BotDefinition | null;
  readonly engine: ContainerEngine;
  /** Null: none is configured. */
  readonly objectStore: RuntimeStore | null;
  readonly settings: Settings['query'];
}

/** Query runs (contract 8.4) on this engine, with results by way of the object store where the engine sends them there. */
export function createQueryRuns(parts: QueryRunnerParts): QueryRuns {
  return new QueryRuns({
    limits: parts.settings.runs,
    revisionOf: (botId) => parts.definitionOf(botId)?.specRevision ?? '',
    run: (question, signal) => runQuery(parts, question, signal),
  });
}

async function runQuery(
  { definitionOf, engine, objectStore, settings }: QueryRunnerParts,
  { botId, path, params }: QueryQuestion,
  signal: AbortSignal,
): Promise<QueryOutcome> {
  const definition = definitionOf(botId);
  if (definition === null) return { kind: 'failed', error: `bot ${botId} was deleted` };
  const { answerBytes, maxTimeoutMs } = settings.limits;
  // Contract 4.1: nanoseconds, of which a clock gives milliseconds, and 16 hexadecimal digits.
  const resultKey = `${botId}/${Date.now()}000000-${randomBytes(8).toString('hex')}/result.json`;
  let goesToStore = isStored(definition);
  try {
    const run = await engine.runQuery(
      { definition, path, params, resultKey, deadlineMs: maxTimeoutMs, resultBytes: answerBytes },
      signal,
    );
    goesToStore = run.result === 'stored';
    const mask = secretMask(JSON.stringify(definition.config), []);
    const { exitCode } = run;
    const ended = { kind: 'ended', exitCode, logTail: mask(run.logTail) } as const;
    return { ...ended, ...(await fetched(run.result, resultKey, objectStore, answerBytes, signal)) };
  } finally {
    // Also when the run was ended: its agent may have stored something just before.
    if (goesToStore && objectStore !== null) {
      const { store, access } = objectStore;
      const place = { bucket: access.buckets.queryResults, key: resultKey };
      // Best effort (contract 8.4): what stays there is removed by gc.
      void store.remove(place, AbortSignal.timeout(settings.runs.resultRemoveMs)).catch(() => undefined);
    }
  }
}

async function fetched(
  result: QueryRunResult['result'],
  key: string,
  objectStore: RuntimeStore | null,
  mostBytes: number,
  signal: AbortSignal,
): Promise<Pick<QueryRunEnd, 'result' | 'resultTrouble'>> {
  if (Buffer.isBuffer(result)) return { result, resultTrouble: null };
  if (result !== 'stored') return { result: null, resultTrouble: result.missing };
  if (objectStore === null) return { result: null, resultTrouble: 'no object store is configured' };
  const { store, access } = objectStore;
  return await readStoredResult(store, { bucket: access.buckets.queryResults, key }, mostBytes, signal);
}
