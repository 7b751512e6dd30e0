import * as v from 'valibot';
import type { SpecProblem } from '../../../actors/bot-spec.ts';
import type { Json } from '../bot-definition.ts';
import {
  BOT_ID,
  DEEPEST,
  invalidField,
  isEnabled,
  isObject,
  isTooDeep,
  type JsonObject,
  object,
} from '../bot-fields.ts';
import type { DescribedBot } from '../described-bot.ts';
import { jsonErrorPosition } from './json-error-position.ts';

export const BOT_JSON = 'bot.json';
const BOT_JSON_FORMAT = 1;

/** What `bot.json` says of a bot; the rest of its definition comes from the folder. */
export type BotJson = DescribedBot;

export type ParsedBotJson =
  | { readonly bot: BotJson; readonly id: string; readonly problem: null }
  /** `id`: as far as it could be read. */
  | { readonly bot: null; readonly id: string | null; readonly problem: SpecProblem };

/** Contract 2.2; what is not named here (description, readme, schema …) may be there and is not looked at. */
const schema = object({
  format: v.optional(v.number()),
  id: v.pipe(v.string(), v.regex(BOT_ID)),
  enabled: v.optional(v.union([v.boolean(), v.number(), v.string(), v.null()])),
  config: v.custom<JsonObject>(isObject),
  custom: object({
    version: v.string(),
    filePath: v.optional(v.string(), ''),
    config: object({
      name: v.string(),
      type: v.picklist(['realtime', 'scheduled']),
      runtime: v.string(),
      entrypoints: object({ bot: v.optional(v.string(), ''), query: v.nullish(v.string()) }),
    }),
  }),
});

/** @param path how the file is called in what people are told; values from inside it are never told, they may be secret */
export function parseBotJson(text: string, path: string): ParsedBotJson {
  const content = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const position = jsonErrorPosition(content);
  if (position !== null) return { bot: null, id: null, problem: notJson(path, content, position) };
  const json: Json = JSON.parse(content);
  const id = isObject(json) && typeof json['id'] === 'string' && BOT_ID.test(json['id']) ? json['id'] : null;
  const format = isObject(json) ? json['format'] : undefined;
  if (typeof format === 'number' && format > BOT_JSON_FORMAT) {
    return { bot: null, id, problem: { code: 'spec-newer-format', facts: { path, format, known: BOT_JSON_FORMAT } } };
  }
  if (isTooDeep(json)) {
    const detail = `nested more than ${DEEPEST} levels deep`;
    return { bot: null, id, problem: { code: 'spec-unreadable', facts: { path, detail } } };
  }
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (!result.success) return { bot: null, id, problem: invalidField(path, BOT_JSON, result.issues[0]) };
  const { config, custom, enabled, ...rest } = result.output;
  const bot: BotJson = {
    id: rest.id,
    kind: custom.config.type,
    enabled: isEnabled(enabled) && isEnabled(config['enabled']),
    config,
    version: custom.version,
    filePath: custom.filePath,
    name: custom.config.name,
    runtime: custom.config.runtime,
    entrypoint: custom.config.entrypoints.bot,
    queryEntrypoint: custom.config.entrypoints.query || null,
    schedule: typeof config['schedule'] === 'string' ? config['schedule'] : null,
  };
  return { bot, id: bot.id, problem: null };
}

function notJson(path: string, text: string, { line, column }: { line: number; column: number }): SpecProblem {
  const detail = text.trim() === '' ? 'the file is empty' : `not JSON at line ${line}, column ${column}`;
  return { code: 'spec-unreadable', facts: { path, line, column, detail } };
}
