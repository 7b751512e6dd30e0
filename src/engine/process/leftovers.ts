import { mkdir } from 'node:fs/promises';
import { isAlive } from '../../agent/process-identity.ts';
import type { ProcessNotes } from './process-notes.ts';
import { type EndWaits, endRemains, type Traces } from './remains.ts';

export interface LeftoverOptions {
  readonly runDirectory: string;
  /** What only processes of this bot have in their environment. */
  readonly environmentOf: (botId: string) => readonly string[];
  readonly waits: EndWaits;
}

/**
 * Ends what a killed runtime left running, found by its notes. Agents notice the broken lifeline by themselves, but may
 * take their time; and an agent that was killed too cannot. A pid that means another process by now is left alone.
 *
 * @throws NewerNotes; or an error naming processes that cannot be ended: a bot must not run twice
 */
export async function endLeftovers(notes: ProcessNotes, options: LeftoverOptions): Promise<void> {
  await mkdir(options.runDirectory, { recursive: true, mode: 0o700 });
  const bots = await notes.bots();
  const traces: Traces[] = [];
  for (const botId of bots) {
    const agent = await notes.agentOf(botId);
    const groups = [agent, ...(await notes.groupsOf(botId))].filter((leader) => leader !== null).filter(isAlive);
    traces.push({ groups, environment: options.environmentOf(botId) });
  }
  const left = traces.length === 0 ? [] : await endRemains(traces, options.waits);
  if (left.length > 0) {
    throw new Error(`processes ${left.join(', ')} of a former runtime do not end, even after SIGKILL`);
  }
  for (const botId of bots) await notes.remove(botId);
}
