import { poll, type RuntimeUnderTest } from '../runtime-under-test.ts';

/** The last lines of a bot's log. */
export async function logOf({ admin }: RuntimeUnderTest, botId: string): Promise<string> {
  const chunks: Buffer[] = [];
  const log = await admin.logs(botId, { lines: 5_000, follow: false, signal: AbortSignal.timeout(60_000) });
  for await (const chunk of log) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Waits until a bot's log holds this. The agent writes it a moment after what it tells of. */
export async function logTells(runtime: RuntimeUnderTest, botId: string, words: string | RegExp): Promise<void> {
  let last = '';
  await poll(
    `the log of ${botId} to tell ${String(words)}`,
    async () => {
      last = await logOf(runtime, botId);
      return (typeof words === 'string' ? last.includes(words) : words.test(last)) || undefined;
    },
    60_000,
    100,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; its end: ${last.slice(-1_000)}`);
  });
}
