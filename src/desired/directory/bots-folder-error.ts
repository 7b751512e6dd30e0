/** The bots folder cannot be used, or not be watched. The message says which and why, `hint` what to do. */
export class BotsFolderError extends Error {
  readonly code:
    | 'bots-folder-missing'
    | 'bots-folder-not-a-directory'
    | 'bots-folder-unreadable'
    | 'bots-folder-replaced'
    | 'bots-folder-not-watched'
    | 'code-copies-not-removed';
  readonly hint: string;

  constructor(code: BotsFolderError['code'], message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'BotsFolderError';
    this.code = code;
    this.hint = hint;
  }
}

export function notWatched(directory: string, cause: unknown): BotsFolderError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BotsFolderError(
    'bots-folder-not-watched',
    `some of the bots folder ${directory} cannot be watched (${message}); changes there are seen only every few minutes`,
    'On Linux, raise fs.inotify.max_user_watches and fs.inotify.max_user_instances; then restart the runtime.',
    { cause },
  );
}

export function copiesNotRemoved(cause: unknown): BotsFolderError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BotsFolderError(
    'code-copies-not-removed',
    `old copies of code could not be removed from the data directory (${message})`,
    'They only take space; they are tried again with the next change of the bot.',
    { cause },
  );
}
