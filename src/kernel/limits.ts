/** What keeps a shard bounded. The values live with the configuration; the kernel has no defaults of its own. */
export interface KernelLimits {
  /** Messages per lane of one mailbox, and timers per actor. A flood in one lane takes no room from the other. */
  readonly mailboxSize: number;
  /** Messages one actor handles before the next actor has its turn. */
  readonly messagesPerActorTurn: number;
  /** Milliseconds after which the dispatcher gives way to timers and sockets. */
  readonly turnBudgetMs: number;
  /** Timers that become messages in one turn, so that a hundred thousand due at once do not block the event loop. */
  readonly dueTimersPerTurn: number;
  /**
   * How far a shard may be behind its owner before `post` answers `full`: messages on the way or in mailboxes. It is also how
   * many effects a shard on a thread of its own may be ahead of its owner before it pauses.
   */
  readonly unhandledEnvelopes: number;
  /** An actor that throws more than `count` times within `withinMs` milliseconds has exhausted its budget. */
  readonly restartBudget: RestartBudget;
  /** How long start, snapshot and stop of a shard may take where the caller names no deadline, in milliseconds. */
  readonly controlDeadlineMs: number;
}

export interface RestartBudget {
  readonly count: number;
  readonly withinMs: number;
}
