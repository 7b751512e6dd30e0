import { randomBytes } from 'node:crypto';

/** Docker knows a bot's container by the bot's id, and other tests use the same engine at the same time. */
const SALT = randomBytes(3).toString('hex');

/** A bot id made from any words, that no other test run has. */
export function uniqueId(words: string): string {
  return `${words.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 50)}-${SALT}`;
}
