import { describeReason } from '../../actors/reason.ts';
import type { ReadSide } from '../admin/read-side.ts';
import { hostAndPort } from '../admin/report.ts';
import type { AskWhy, QueryFrontEnd } from '../query/query-front-end.ts';
import type { Journal } from '../supervisor/journal.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { VERSION } from './version-number.ts';

export interface ReadSideParts {
  readonly supervisor: Supervisor;
  readonly journal: Journal;
  readonly frontEnd: QueryFrontEnd;
  readonly engineName: string;
  /** How long an actor may take to answer `why`, and how much of the history is looked up. */
  readonly limits: { readonly whyMs: number; readonly whyEntries: number };
  readonly logDirectoryOf: (botId: string) => string;
  readonly now: () => number;
  /** Of a trouble that does not keep a command from being answered. */
  readonly warn: (sentence: string) => void;
  readonly down: ReadSide['down'];
}

/** What the admin API may see and do, joined from the parts that know it. */
export function createReadSide(parts: ReadSideParts): ReadSide {
  const { supervisor, journal, frontEnd, engineName, limits, logDirectoryOf, down } = parts;
  const startedAt = parts.now();
  return {
    list: () => supervisor.list(),
    async why(botId) {
      if (!supervisor.knows(botId)) return null;
      const [status, timeline] = await Promise.all([
        supervisor.ask(botId, limits.whyMs),
        journal.timeline(botId, limits.whyEntries).catch((error: unknown) => {
          // What a bot does now is worth telling without what it did before.
          parts.warn(error instanceof Error ? error.message : String(error));
          return [];
        }),
      ]);
      if (status === null) throw new Error(`the actor of ${botId} did not answer in time; try again`);
      return { status, timeline };
    },
    restart: async (botId) => supervisor.command(botId, 'restart'),
    reset: async (botId) => supervisor.command(botId, 'reset'),
    logDirectory: (botId) => (supervisor.knows(botId) ? logDirectoryOf(botId) : null),
    overview: () => ({
      version: VERSION,
      engine: engineName,
      queryUrl: queryUrlOf(frontEnd),
      startedAt,
      troubles: supervisor.troubles,
    }),
    down,
  };
}

/** For a person on this machine: an address that means "all" is not one to ask. */
export function queryUrlOf({ address }: QueryFrontEnd): string {
  const host = address.host === '0.0.0.0' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
  return `http://${hostAndPort({ host, port: address.port })}`;
}

/** Why a bot without a route cannot be asked: its actor knows. */
export function askWhyOf(supervisor: Supervisor): AskWhy {
  return async (botId, deadlineMs) => {
    if (!supervisor.knows(botId)) return { kind: 'unknown-bot' };
    const definition = supervisor.definitionOf(botId);
    if (definition !== null && definition.problem === null && definition.queryEntrypoint === null) {
      return { kind: 'no-query-entrypoint' };
    }
    const status = await supervisor.ask(botId, deadlineMs);
    if (status === null) return { kind: 'not-running', sentence: 'its actor did not answer in time' };
    if (status.state === 'running' && status.endpoint !== null) {
      return { kind: 'route', route: { endpoint: status.endpoint, incarnation: status.reason.incarnation } };
    }
    return { kind: 'not-running', sentence: `it is ${status.state}: ${describeReason(status.reason).text}` };
  };
}
