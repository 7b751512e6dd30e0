import { poll, post } from '../../test/e2e/runtime-under-test.ts';

const DEADLINE_MS = 60_000;
const PAUSE_MS = 5;

/** Asks the bot for its pid until it answers; nobody need listen yet. */
export async function untilAnswered(queryUrl: string, botId: string): Promise<void> {
  await poll(
    `an answer of ${botId}`,
    async () => {
      const question = { bot_id: botId, query_path: '/pid', params: {}, timeout_sec: 5 };
      // Refused as long as the port is not open: asked again until the deadline, which then tells.
      const answer = await post(`${queryUrl}/query`, question).catch(() => undefined);
      return answer?.body.status === 'ok' ? true : undefined;
    },
    DEADLINE_MS,
    PAUSE_MS,
  );
}
