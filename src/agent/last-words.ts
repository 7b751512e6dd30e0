import type { LastWords } from '../../actors/observation.ts';

/**
 * The agent's last act: one JSON line, the last on its stderr (design 6). Resolves when it was handed to the reader, or
 * when the reader did not take it in time. Nothing may be written to stderr afterwards.
 */
export function sayLastWords(words: LastWords, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, deadlineMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    // A reader that is gone: there is nobody left to tell.
    process.stderr.once('error', done);
    process.stdout.write('', () => process.stderr.write(`${JSON.stringify(words)}\n`, done));
  });
}
