import type { RuntimeUnderTest } from '../runtime-under-test.ts';

/** The last lines of a bot's log. */
export async function logOf({ admin }: RuntimeUnderTest, botId: string): Promise<string> {
  const chunks: Buffer[] = [];
  const log = await admin.logs(botId, { lines: 5_000, follow: false, signal: AbortSignal.timeout(10_000) });
  for await (const chunk of log) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
