/** The bots folder cannot be used, or not be watched. The message says which and why, `hint` what to do. */
export class BotsFolderError extends Error {
  readonly code:
    | 'bots-folder-missing'
    | 'bots-folder-not-a-directory'
    | 'bots-folder-unreadable'
    | 'bots-folder-replaced'
    | 'bots-folder-not-watched'
    | 'bot-folder-ignored'
    | 'code-copies-not-removed';
  readonly hint: string;

  constructor(code: BotsFolderError['code'], message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'BotsFolderError';
    this.code = code;
    this.hint = hint;
  }
}
