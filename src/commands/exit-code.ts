import { RuntimeUnreachable } from '../admin/admin-errors.ts';
import { hintOf } from './terminal/error-sentences.ts';
import { errStyle, note } from './terminal/output.ts';
import { plainText } from './terminal/plain-text.ts';

/** What a command tells the shell (design 9). Public: scripts test on them. */
export const EXIT = { done: 0, failed: 1, unreachable: 2, interrupted: 130 } as const;

/** Says on stderr what went wrong and what to do. @returns the exit code that goes with it */
export function reportFailure(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  note(`${errStyle.paint('red', 'error:')} ${plainText(message)}\n`);
  const hint = hintOf(error);
  if (hint !== '') note(`${plainText(hint)}\n`);
  return error instanceof RuntimeUnreachable ? EXIT.unreachable : EXIT.failed;
}

/** The command line or a setting is wrong. */
export class UsageError extends Error {
  readonly code = 'usage';
  readonly hint: string;

  constructor(message: string, hint = '', options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
    this.hint = hint;
  }
}
