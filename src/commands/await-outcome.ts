import { setTimeout as delay } from 'node:timers/promises';
import type { AdminClient } from '../admin/admin-client.ts';
import type { BotReply, BotReport, ReasonReport } from '../admin/wire.ts';

const POLL_MS = 150;
/** A command that changes nothing (the bot is disabled, or blocks again for the same cause) shows no new state to wait for. */
const UNCHANGED_PATIENCE_MS = 3000;
/** A bot runs as soon as its process does, and many a mistake ends that at once: so long it must have run to count. */
const STEADY_MS = 2000;

const SETTLED: ReadonlySet<string> = new Set(['running', 'idle', 'backing-off', 'blocked', 'stopped']);

export interface BotOutcome {
  readonly bot: BotReport;
  /** Why it ended again; null: it did not. It may run again by now. */
  readonly ended: ReasonReport | null;
}

/**
 * Waits until what was asked of a bot has come to something: a state that stays, newer than `before`.
 * @returns the bot as it is then, or after `waitMs`
 */
export async function awaitOutcome(client: AdminClient, before: BotReport, waitMs: number): Promise<BotOutcome> {
  const started = performance.now();
  let changed = false;
  let runsSince: number | null = null;
  for (;;) {
    const reply = await client.why(before.id);
    const { bot } = reply;
    changed ||= bot.since !== before.since || bot.reason.at !== before.reason.at || bot.state !== before.state;
    const now = performance.now();
    // It is started again so soon that the state alone would not show it.
    if (bot.restarts > before.restarts) return { bot, ended: whyItEnded(reply, before) };
    const settled = SETTLED.has(bot.state) && (changed || now - started > UNCHANGED_PATIENCE_MS);
    runsSince = settled && bot.state === 'running' ? (runsSince ?? now) : null;
    const isSteady = bot.type === 'scheduled' || runsSince === null || now - runsSince > STEADY_MS;
    if ((settled && isSteady) || now - started > waitMs) return { bot, ended: null };
    await delay(POLL_MS);
  }
}

function whyItEnded({ bot, timeline }: BotReply, before: BotReport): ReasonReport {
  const last = timeline.findLast(({ to, at }) => (to === 'backing-off' || to === 'blocked') && at > before.reason.at);
  return last?.reason ?? bot.reason;
}
