import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { errnoOf } from '../errno.ts';
import { EngineError } from './container-engine.ts';
import { parseJsonObject } from './json-object.ts';

/** Something that is not as it should be with a bot that runs, as its agent says (src/agent/sync/conditions.ts). */
export interface BotCondition {
  readonly code: string;
  /** One sentence on one line, without control characters. */
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Beside the bot's log. */
export const CONDITIONS_FILE = 'conditions.json';
/** An agent writes a tenth of it at most. */
export const CONDITIONS_BYTES = 64 * 1024;

const FORMAT = 1;
const MOST_CONDITIONS = 50;
const LONGEST_MESSAGE = 2_000;
// C0, DEL, C1, and what turns the direction of text or breaks lines.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

const conditionsFile = v.object({
  conditions: v.array(
    v.object({
      code: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/)),
      message: v.pipe(
        v.string(),
        v.transform((text) => text.replace(CONTROLS, ' ').replace(/\s+/g, ' ').trim().slice(0, LONGEST_MESSAGE)),
      ),
      since: v.pipe(v.number(), v.finite()),
    }),
  ),
});

/**
 * The agent wrote the text beside the bot, which can write there too: it is checked, cut to size and good for a person only.
 * @throws EngineError `rejected` when it is none, or of a newer format
 */
export function parseConditions(botId: string, text: string): readonly BotCondition[] {
  const json = parseJsonObject(text);
  const format = json?.['v'];
  if (typeof format === 'number' && format > FORMAT) {
    throw unreadable(botId, `its agent writes format ${format}, and this runtime reads only up to ${FORMAT}`);
  }
  const file = v.safeParse(conditionsFile, format === FORMAT ? json : null);
  if (!file.success) throw unreadable(botId, `${CONDITIONS_FILE} is not what an agent writes`);
  return file.output.conditions.slice(0, MOST_CONDITIONS);
}

/**
 * From a log directory on this host. The bot can write there too, so neither links nor pipes are followed.
 * @throws EngineError `rejected` when it cannot be read
 */
export async function readConditionsIn(logsDirectory: string, botId: string): Promise<readonly BotCondition[]> {
  try {
    const path = join(logsDirectory, CONDITIONS_FILE);
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw unreadable(botId, `${path} is no file`);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CONDITIONS_BYTES), 0, CONDITIONS_BYTES, 0);
      return parseConditions(botId, buffer.toString('utf8', 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (error instanceof EngineError) throw error;
    throw unreadable(botId, errnoOf(error) ?? String(error), { cause: error });
  }
}

export function unreadable(botId: string, detail: string, options?: ErrorOptions): EngineError {
  const message = `What the agent of bot ${botId} says of it cannot be read: ${detail}.`;
  return new EngineError({ code: 'rejected', facts: { detail } }, message, options);
}
