import assert from 'node:assert/strict';
import { once } from 'node:events';
import { AdminRefusal } from '../../../src/admin/admin-errors.ts';
import type { BotReply, ReasonReport } from '../../../src/admin/wire.ts';
import { poll, type RuntimeUnderTest, type StartOptions, spawnUp } from '../runtime-under-test.ts';

/** Words that must be there: as they stand, or as a pattern. */
export type Words = readonly (string | RegExp)[];

export interface Told {
  readonly code: string;
  /** The bot must be in this state because of it; left out: it may have gone on since, and the history tells. */
  readonly state?: string;
  /** The cause. */
  readonly text: Words;
  /** What to do. */
  readonly advice: Words;
}

const PAUSE_MS = 200;
/** Only reached when something is wrong, so it may be long. */
const DEADLINE_MS = 60_000;

/** Waits until `why` names this cause for the bot, and looks at the words. */
export async function whyTells(runtime: RuntimeUnderTest, botId: string, told: Told): Promise<ReasonReport> {
  let last: BotReply | null = null;
  const reason = await poll(
    `\`why ${botId}\` to say ${told.code}`,
    async () => {
      last = await explanation(runtime, botId);
      return last === null ? undefined : find(last, told);
    },
    DEADLINE_MS,
    PAUSE_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said ${summary(last)}\n${runtime.output().slice(-2_000)}`);
  });
  says(reason.text, told.text);
  says(reason.advice, told.advice);
  return reason;
}

async function explanation({ admin }: RuntimeUnderTest, botId: string): Promise<BotReply | null> {
  try {
    return await admin.why(botId);
  } catch (error) {
    // Its folder is there before its `bot.json`.
    if (error instanceof AdminRefusal && ['unknown-bot', 'not-a-bot'].includes(error.code)) return null;
    throw error;
  }
}

function find({ bot, timeline }: BotReply, { code, state }: Told): ReasonReport | undefined {
  if (state !== undefined) return bot.state === state && bot.reason.code === code ? bot.reason : undefined;
  return [bot.reason, ...timeline.map(({ reason }) => reason)].findLast((reason) => reason.code === code);
}

function summary(reply: BotReply | null): string {
  if (reply === null) return 'that there is no such bot';
  const { bot, timeline } = reply;
  const history = timeline.slice(-8).map(({ to, reason }) => `${to}/${reason.code}`);
  return `${bot.state}/${bot.reason.code}: ${bot.reason.text} (${history.join(', ')})`;
}

export function says(text: string, words: Words): void {
  for (const word of words) {
    const found = typeof word === 'string' ? text.includes(word) : word.test(text);
    assert.ok(found, `${JSON.stringify(text)} does not say ${String(word)}`);
  }
}

/** `up` with these options must end by itself with exit code 1, and say so in these words on stderr or stdout. */
export async function refusesToStart(options: StartOptions, words: Words): Promise<void> {
  const { child, output } = spawnUp({ ...options, flags: ['--query-port', '0', ...(options.flags ?? [])] });
  const late = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  await once(child, 'close');
  clearTimeout(late);
  assert.equal(child.exitCode, 1, `it ended with ${child.exitCode ?? child.signalCode}: ${output()}`);
  says(output(), words);
}

/** Waits until the runtime tells of a trouble of its own in these words; `null`: until it has none any more. */
export async function troubleTells({ admin }: RuntimeUnderTest, words: Words | null): Promise<void> {
  let last: readonly string[] = [];
  await poll(
    `the runtime to tell ${words === null ? 'of no trouble' : `of its trouble (${words.join(', ')})`}`,
    async () => {
      last = (await admin.overview()).troubles;
      if (words === null) return last.length === 0 ? true : undefined;
      return last.some((trouble) => words.every((word) => contains(trouble, word))) ? true : undefined;
    },
    DEADLINE_MS,
    PAUSE_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it told of ${JSON.stringify(last)}`);
  });
}

function contains(text: string, word: string | RegExp): boolean {
  return typeof word === 'string' ? text.includes(word) : word.test(text);
}
