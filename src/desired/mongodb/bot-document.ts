import type { Document } from 'mongodb';
import * as v from 'valibot';
import type { BotKind, SpecProblem } from '../../../actors/bot-spec.ts';
import type { BotDefinition } from '../bot-definition.ts';
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
import { type DescribedBot, revisionOf, unknownBot, withProblem } from '../described-bot.ts';
import { jsonOf, NotJson } from './bson-json.ts';
import { botIdIn, collectionName } from './collections.ts';

const text = v.nullish(v.string(), '');

/**
 * Contract 2.2 and 2.3. What the Go runtime stores as `""` or null where it had nothing may also be missing. Which kind of
 * bot it is the collection says, so `type` is not looked at.
 */
const schema = object({
  enabled: v.nullish(v.boolean()),
  config: v.nullish(v.custom<JsonObject>(isObject), {}),
  custom: object({
    version: text,
    filePath: text,
    config: object({
      name: text,
      runtime: text,
      entrypoints: v.nullish(object({ bot: text, query: text }), {}),
    }),
  }),
});

/** Left out of what is read: large, or nothing that a bot runs on. */
export const NOT_READ = Object.freeze({
  'custom.config.readme': 0,
  'custom.config.schema': 0,
  'custom.config.metadata': 0,
  'custom.config.description': 0,
  'custom.createdAt': 0,
  'custom.updatedAt': 0,
});

/** The bot's id, or null when the document has none that can be used. */
export function botIdOf(document: Document): string | null {
  const id = botIdIn(document);
  return typeof id === 'string' && BOT_ID.test(id) ? id : null;
}

/** A document as a definition; what is wrong with it becomes the definition's problem. */
export function defineBot(kind: BotKind, id: string, document: Document): BotDefinition {
  const path = `${collectionName(kind)}/${id}`;
  const { enabled, config, custom } = document;
  try {
    const fields = { enabled, config: config === undefined ? undefined : jsonOf(config, 'config'), custom };
    if (isObject(fields.config) && isTooDeep(fields.config)) return unusable(kind, id, document, tooDeep(path));
    const result = v.safeParse(schema, fields, { abortEarly: true });
    if (!result.success) return unusable(kind, id, document, invalidField(path, 'document', result.issues[0]));
    const bot = describe(kind, id, result.output);
    return { ...bot, specRevision: revisionOf(bot, ''), problem: null };
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    const { field, expected, found } = error;
    return unusable(kind, id, document, { code: 'spec-invalid', facts: { path, field, expected, found } });
  }
}

function describe(kind: BotKind, id: string, { enabled, config, custom }: v.InferOutput<typeof schema>): DescribedBot {
  const entrypoints = custom.config.entrypoints;
  return {
    id,
    kind,
    enabled: isEnabled(enabled) && isEnabled(config['enabled']),
    config,
    version: custom.version,
    filePath: custom.filePath,
    name: custom.config.name,
    runtime: custom.config.runtime,
    entrypoint: entrypoints.bot ?? '',
    queryEntrypoint: entrypoints.query || null,
    schedule: typeof config['schedule'] === 'string' ? config['schedule'] : null,
  };
}

/** One that is plainly disabled needs no mending: it is shown as that. */
function unusable(kind: BotKind, id: string, document: Document, problem: SpecProblem): BotDefinition {
  const { enabled, config } = document;
  const isOff = !isEnabled(enabled) || (isObject(config) && !isEnabled(config['enabled']));
  return withProblem({ ...unknownBot(id, kind), enabled: !isOff }, problem);
}

function tooDeep(path: string): SpecProblem {
  return { code: 'spec-unreadable', facts: { path, detail: `nested more than ${DEEPEST} levels deep` } };
}
