interface FailureOptions {
  readonly unanswered?: boolean;
  readonly isSilence?: boolean;
  readonly cause?: unknown;
}

/** A connection that cannot be used any more. The message is for a StoreError, and holds nothing of what was sent. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
  /** It was lost before a byte of the answer came. */
  readonly unanswered: boolean;
  /** The other side says nothing, which may be the same on another connection. */
  readonly isSilence: boolean;

  constructor(message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.unanswered = options.unanswered ?? false;
    this.isSilence = options.isSilence ?? false;
  }
}
