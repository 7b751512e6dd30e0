import { errnoOf } from '../errno.ts';

/** The history of the bots cannot be read, so it is not known what they must remember. */
export class JournalUnreadable extends Error {
  override readonly name = 'JournalUnreadable';
  readonly code = 'journal-unreadable';
  readonly hint: string;

  constructor(directory: string, cause: unknown) {
    super(`the history of the bots in ${directory} cannot be read: ${causeOf(cause)}`, { cause });
    this.hint = `Make ${directory} and the files in it readable for this user; or move it away: bots run on, and lose their history.`;
  }
}

/** A failed file operation in a few words. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return errnoOf(error) === 'ENOSPC' ? 'the disk is full' : error.message;
}
