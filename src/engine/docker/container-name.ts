import { createHash } from 'node:crypto';

const PREFIX = 'the0-bot-';
/** What a Docker name may hold, and short enough to read. */
const FITS = /^[a-zA-Z0-9_.-]{1,100}$/;

/**
 * The name of a bot's container: a function of the bot id alone, so that the engine itself refuses a second container of
 * the same bot (design 6). An id that Docker cannot hold is made readable and told apart by a hash.
 */
export function containerName(botId: string): string {
  if (FITS.test(botId)) return PREFIX + botId;
  const readable = botId.replace(/[^a-zA-Z0-9_.-]+/g, '-').slice(0, 60);
  return `${PREFIX}${readable}-${createHash('sha256').update(botId).digest('hex').slice(0, 12)}`;
}
