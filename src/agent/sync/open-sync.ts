import { AgentError, messageOf } from '../agent-error.ts';
import type { AgentLimits } from '../agent-limits.ts';
import { LiveLog } from '../logs/live-log.ts';
import { liveLogSubject, NatsPublisher } from '../logs/nats-publisher.ts';
import { openStore } from '../open-store.ts';
import { BotSync, type BotSyncOptions } from './bot-sync.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Null: no store is configured. @throws AgentError */
export async function openBotSync(
  { secrets, env }: { readonly secrets: ReadonlyMap<string, string>; readonly env: Environment },
  options: Omit<BotSyncOptions, 'store'>,
): Promise<BotSync | null> {
  const store = await openStore(secrets, env, options.settings.limits);
  if (store === null) return null;
  try {
    return new BotSync({ ...options, store });
  } catch (error) {
    const detail = `${options.settings.logsPath} cannot be used: ${messageOf(error)}`;
    throw new AgentError('state-unreadable', `the log of the bot cannot be stored: ${detail}`, { detail });
  }
}

export interface LiveLogParts {
  readonly secrets: ReadonlyMap<string, string>;
  readonly env: Environment;
  readonly botId: string;
  readonly limits: AgentLimits;
  readonly note: (level: 'info' | 'warn', message: string) => void;
}

/** Null: nobody listens, `NATS_URL` is not given. An address that cannot be read is said, and is no reason not to run. */
export function openLiveLog({ secrets, env, botId, limits, note }: LiveLogParts): LiveLog | null {
  const servers = secrets.get('NATS_URL') || env['NATS_URL'] || '';
  if (servers === '') return null;
  try {
    const publisher = new NatsPublisher({
      servers,
      name: `the0-agent-${botId}`,
      reconnectMs: limits.natsReconnectMs,
      reconnectCapMs: limits.natsReconnectCapMs,
      silenceMs: limits.natsSilenceMs,
      unsentBytes: limits.natsUnsentBytes,
      onTrouble: (message) => note(message === null ? 'info' : 'warn', message ?? 'the live log is back'),
    });
    return new LiveLog(publisher, liveLogSubject(botId), {
      gatherMs: limits.liveLogGatherMs,
      mostBytes: limits.liveLogBytes,
    });
  } catch (error) {
    note('warn', `no live log: ${messageOf(error)}`);
    return null;
  }
}
