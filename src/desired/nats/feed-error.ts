/** Something about NATS that is not one bot's. The message says what, `hint` what to do. No message's content is in it. */
export class FeedError extends Error {
  readonly code:
    | 'nats-unreachable'
    | 'nats-backlog-not-reached'
    | 'nats-events-missed'
    | 'nats-stream-replaced'
    | 'nats-events-outlive-deletions'
    | 'nats-event-refused'
    | 'nats-event-held'
    | 'nats-events-dropped'
    | 'nats-events-unheard'
    | 'nats-stream-unusable';
  readonly hint: string;

  constructor(code: FeedError['code'], message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FeedError';
    this.code = code;
    this.hint = hint;
  }
}

export function meaningOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return `${error.name}: ${error.message.replaceAll(/\/\/[^@/\s]*@/g, '//***@').slice(0, 200)}`;
}
