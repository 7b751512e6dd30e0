import type { BotAnswer } from './bot-answer.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** One request on its way to a bot. At most one of `answered` and `failed` is called, and neither after `over`. */
export interface UpstreamCall {
  /** The whole HTTP request, in latin1. */
  readonly request: string;
  /** Milliseconds of `performance.now()`. */
  readonly deadlineAt: number;
  /** Answered, failed or given up. */
  readonly over: boolean;
  /** Where it waits for its answer; kept by the upstream. */
  connection: UpstreamConnection | null;
  /** How the first, idle connection turned out dead; the call was sent again since. Kept by the upstream. */
  firstFailure: Error | null;
  /** The answer is valid during this call only. */
  answered(answer: BotAnswer): void;
  failed(error: Error): void;
}
