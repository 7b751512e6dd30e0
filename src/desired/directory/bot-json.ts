import * as v from 'valibot';
import type { SpecProblem } from '../../../actors/bot-spec.ts';
import { similarNames } from '../../similar-names.ts';
import type { BotDefinition, Json } from '../bot-definition.ts';
import { jsonErrorPosition } from './json-error-position.ts';

export const BOT_JSON = 'bot.json';
const BOT_JSON_FORMAT = 1;
/** As much as MongoDB takes in a document: what handles a value level by level later must not run out of stack. */
const DEEPEST = 100;

/** What `bot.json` says of a bot; the rest of its definition comes from the folder. */
export type BotJson = Omit<BotDefinition, 'specRevision' | 'problem'>;

export type ParsedBotJson =
  | { readonly bot: BotJson; readonly id: string; readonly problem: null }
  /** `id`: as far as it could be read. */
  | { readonly bot: null; readonly id: string | null; readonly problem: SpecProblem };

type JsonObject = { readonly [key: string]: Json };

const ID = /^[A-Za-z0-9_-]{1,64}$/;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const object = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(v.unknown(), v.check(isObject), v.object(entries));

/** Contract 2.2; what is not named here (description, readme, schema …) may be there and is not looked at. */
const schema = object({
  format: v.optional(v.number()),
  id: v.pipe(v.string(), v.regex(ID)),
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

/** What a field must be, in words; those not named are a text. */
const EXPECTED: Readonly<Record<string, string>> = {
  format: 'a number',
  id: 'a text of 1 to 64 letters, digits, "-" or "_"',
  enabled: 'true or false',
  config: 'an object',
  custom: 'an object',
  'custom.config': 'an object',
  'custom.config.type': '"realtime" or "scheduled"',
  'custom.config.entrypoints': 'an object',
};

/** All fields of contract 2.2 that may stand somewhere, also those that are not looked at. */
const FIELDS: ReadonlySet<string> = new Set(
  'format id enabled config custom version filePath name type runtime entrypoints bot query description author readme metadata schema createdAt updatedAt userId topic schedule'.split(
    ' ',
  ),
);

/** @param path how the file is called in what people are told; values from inside it are never told, they may be secret */
export function parseBotJson(text: string, path: string): ParsedBotJson {
  const content = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const position = jsonErrorPosition(content);
  if (position !== null) return { bot: null, id: null, problem: notJson(path, content, position) };
  const json: Json = JSON.parse(content);
  const id = isObject(json) && typeof json['id'] === 'string' && ID.test(json['id']) ? json['id'] : null;
  const format = isObject(json) ? json['format'] : undefined;
  if (typeof format === 'number' && format > BOT_JSON_FORMAT) {
    return { bot: null, id, problem: { code: 'spec-newer-format', facts: { path, format, known: BOT_JSON_FORMAT } } };
  }
  if (isDeeperThan(DEEPEST, json)) {
    const detail = `nested more than ${DEEPEST} levels deep`;
    return { bot: null, id, problem: { code: 'spec-unreadable', facts: { path, detail } } };
  }
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (!result.success) return { bot: null, id, problem: invalid(path, result.issues[0]) };
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

function isDeeperThan(levels: number, json: Json): boolean {
  let level: readonly Json[] = [json];
  for (let depth = 0; depth < levels && level.length > 0; depth += 1) level = level.flatMap(childrenOf);
  return level.some(isContainer);
}

function childrenOf(value: Json): readonly Json[] {
  return isContainer(value) ? Object.values(value) : [];
}

function isContainer(value: Json): value is readonly Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

/** Contract 2.4, the strictest of its readers. */
function isEnabled(value: Json | undefined): boolean {
  return value !== false && value !== 'false' && value !== '0' && value !== 0;
}

function notJson(path: string, text: string, { line, column }: { line: number; column: number }): SpecProblem {
  const detail = text.trim() === '' ? 'the file is empty' : `not JSON at line ${line}, column ${column}`;
  return { code: 'spec-unreadable', facts: { path, line, column, detail } };
}

function invalid(path: string, issue: v.BaseIssue<unknown>): SpecProblem {
  const field = v.getDotPath(issue) ?? BOT_JSON;
  const expected = field === BOT_JSON ? 'an object' : (EXPECTED[field] ?? 'a text');
  const similar = misspeltOf(issue);
  const facts = {
    path,
    field,
    expected,
    found: kindOf(issue.input, expected),
    ...(similar === null ? {} : { similar }),
  };
  return { code: 'spec-invalid', facts };
}

/** The field beside a missing one that nobody knows and that is called nearly the same, such as `custom.config.entrypoint`. */
function misspeltOf({ input, path }: v.BaseIssue<unknown>): string | null {
  const missing = path?.at(-1);
  if (input !== undefined || missing === undefined || !isObject(missing.input)) return null;
  const unknown = Object.keys(missing.input).filter((name) => !FIELDS.has(name));
  const [similar] = similarNames(String(missing.key), unknown);
  if (similar === undefined) return null;
  return [...(path?.slice(0, -1) ?? []).map(({ key }) => String(key)), similar].join('.');
}

function kindOf(value: unknown, expected: string): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'object':
      return 'an object';
    case 'string':
      return expected.includes('text') || expected.includes('"') ? 'another text' : 'a text';
    default:
      return `a ${typeof value}`;
  }
}
