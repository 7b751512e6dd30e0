import { join } from 'node:path';
import type { Buckets, ObjectPlace } from '../../storage/object-store.ts';
import type { AgentSettings } from '../agent-settings.ts';

/** Contract 4.1. */
export function statePlace(buckets: Buckets, botId: string): ObjectPlace {
  return { bucket: buckets.state, key: `${botId}/state.tar.gz` };
}

/** Beside the logs, which are the agent's own, because the state directory is the bot's. */
export function sessionFile({ logsPath }: Pick<AgentSettings, 'logsPath'>): string {
  return join(logsPath, 'state.session');
}
