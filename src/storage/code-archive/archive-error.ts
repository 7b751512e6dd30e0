/**
 * Words of this folder: a *code archive* is the ZIP that holds one version of a bot's code (contract 4.3); a *code
 * directory* is where an agent unpacks it. *Entries* are what the archive's own directory names, files and folders.
 */

/**
 * - `damaged`: no ZIP, cut short, or its parts contradict each other
 * - `unsafe`: an entry that is not a plain file or folder inside the code
 * - `unsupported`: encrypted, or made in a way that is not read here
 * - `too-large`: more than the limits allow
 * - `not-ours`: the code directory holds files that somebody else put there
 */
export type ArchiveTrouble = 'damaged' | 'unsafe' | 'unsupported' | 'too-large' | 'not-ours';

/** An archive that cannot become a bot's code. The message is a part of a sentence: "the archive …". */
export class CodeArchiveError extends Error {
  override readonly name = 'CodeArchiveError';
  readonly trouble: ArchiveTrouble;

  constructor(trouble: ArchiveTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}

export function damaged(message: string): CodeArchiveError {
  return new CodeArchiveError('damaged', message);
}
