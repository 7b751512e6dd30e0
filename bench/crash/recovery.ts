import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuntimeUnderTest } from '../../test/e2e/runtime-under-test.ts';

const DEADLINE_MS = 30_000;
const POLL_MS = 2;

/** The bot's own process and its query server's, from the notes of the process engine. */
export function processesOf(
  { dataDir }: Pick<RuntimeUnderTest, 'dataDir'>,
  botId: string,
): { bot: number | null; query: number | null } {
  const path = join(dataDir, 'run', `${botId}.groups.json`);
  const notes: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return { bot: pidIn(notes, 'bot'), query: pidIn(notes, 'query') };
}

function pidIn(notes: unknown, role: string): number | null {
  if (typeof notes !== 'object' || notes === null) return null;
  const entry: unknown = Object.entries(notes).find(([key]) => key === role)?.[1];
  if (typeof entry !== 'object' || entry === null || !('pid' in entry)) return null;
  return typeof entry.pid === 'number' ? entry.pid : null;
}

/** Asks until there is an answer that cannot come from the query server `oldQueryPid`. */
export async function answersAgain(
  runtime: RuntimeUnderTest,
  botId: string,
  oldQueryPid: number | null,
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (performance.now() < deadline) {
    const asked = newQueryServer(runtime, botId, oldQueryPid);
    const answer = await runtime.ask(botId, '/health', {}, 2).catch(() => null);
    // The new server was there before the question was asked, and the old one is gone: so it was the new one.
    if (asked && answer?.body.status === 'ok') return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${botId} did not answer again within ${DEADLINE_MS} ms`);
}

function newQueryServer(runtime: RuntimeUnderTest, botId: string, oldQueryPid: number | null): boolean {
  try {
    const { query } = processesOf(runtime, botId);
    return query !== null && query !== oldQueryPid;
  } catch {
    return false; // Between two starts there are no notes.
  }
}
