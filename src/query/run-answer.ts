import { BotAnswer } from './bot-answer.ts';
import type { QueryRunEnd } from './ephemeral/query-question.ts';
import type { HeldBytes } from './held-bytes.ts';

/**
 * What a query program has left, as an answer (contract 8.3, 8.6). When the program failed, its own error counts if it left
 * one; else what it wrote last (8.4).
 *
 * @returns the words of the error when there is no answer
 * @throws AnswerUnreadable, UpstreamFailure: the program says it succeeded, and the result is none, or too large
 */
export function answerOfRun(end: QueryRunEnd, answerBytes: number, held: HeldBytes): BotAnswer | string {
  const { exitCode, result, logTail } = end;
  const failed = exitCode === 0 ? null : `query container exited with code ${exitCode}: ${logTail}`;
  if (result === null) return failed ?? `failed to download query result: ${end.resultTrouble ?? 'there is none'}`;
  const answer = new BotAnswer(answerBytes, held);
  try {
    const bytes = Buffer.from(result.buffer, result.byteOffset, result.byteLength);
    answer.begin(bytes.length);
    answer.piece(bytes, 0, bytes.length, true);
  } catch (error) {
    if (failed !== null) return failed;
    throw error;
  }
  return failed === null || answer.status === 'error' ? answer : failed;
}
