/** Something the runtime answers with instead of doing it. `status` is the HTTP status; `hint` says what to do, may be empty. */
export class AdminRefusal extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string;

  constructor(status: number, code: string, message: string, hint = '', options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AdminRefusal';
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

export function unknownBot(botId: string): AdminRefusal {
  return new AdminRefusal(
    404,
    'unknown-bot',
    `no bot is called ${JSON.stringify(botId)}`,
    'npx the0-runtime ls shows all bots',
  );
}

/** The admin socket cannot be made. `code` says why; nothing has been changed on disk. */
export class AdminSocketError extends Error {
  readonly code: 'admin-socket-in-use' | 'admin-socket-unusable';
  readonly hint: string;

  constructor(code: AdminSocketError['code'], message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AdminSocketError';
    this.code = code;
    this.hint = hint;
  }
}

/** No runtime answers on the socket (exit code 2 of the CLI). */
export class RuntimeUnreachable extends Error {
  readonly code = 'runtime-unreachable';
  readonly hint: string;

  constructor(message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RuntimeUnreachable';
    this.hint = hint;
  }
}
