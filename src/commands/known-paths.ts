import type { AdminClient } from '../admin/admin-client.ts';
import { similarNames } from '../similar-names.ts';
import { shellWord } from './terminal/banner.ts';
import { plainLine } from './terminal/plain-text.ts';

/** Every SDK answers this path with the paths that have a handler. */
const INFO = '/info';
const PATIENCE_S = 5;
const SHOWN = 20;

/** What to ask instead of a path that the bot has no handler for; a sentence. */
export async function knownPaths(client: AdminClient, botId: string, path: string): Promise<string> {
  const elsewhere = `npx the0-runtime query ${shellWord(botId)} ${INFO} shows the paths that it answers.`;
  // Of one that does not run, a program would have to be started for a hint.
  const { bot } = await client.why(botId);
  if (bot.endpoint === null) return elsewhere;
  const answer = await client.query(botId, { path: INFO, timeoutSeconds: PATIENCE_S }).catch(() => null); // only a hint
  const paths = pathsIn(answer?.body?.['data']);
  if (paths.length === 0) return elsewhere;
  const [meant] = similarNames(path, paths);
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : '';
  const all = `it answers ${paths.slice(0, SHOWN).map(plainLine).join(', ')}${more}`;
  return meant === undefined ? all : `did you mean ${plainLine(meant)}? ${all}`;
}

function pathsIn(info: unknown): string[] {
  if (typeof info !== 'object' || info === null || !('available_queries' in info)) return [];
  const { available_queries: found } = info;
  return Array.isArray(found) ? found.filter((path) => typeof path === 'string') : [];
}
