import * as v from 'valibot';
import type { SpecProblem } from '../../actors/bot-spec.ts';
import { similarNames } from '../similar-names.ts';
import type { Json } from './bot-definition.ts';

/**
 * The checks that every source of definitions makes, and how a field that fails them is told. Values are never told: they
 * may be secret.
 */
export type JsonObject = { readonly [key: string]: Json };

/** As much as MongoDB takes in a document: what handles a value level by level later must not run out of stack. */
export const DEEPEST = 100;

/** A bot's id becomes part of names of containers, of keys in the store and of subjects. */
export const BOT_ID = /^[A-Za-z0-9_-]{1,64}$/;

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

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object with these fields; others may be there and are not looked at. */
export const object = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(v.unknown(), v.check(isObject), v.object(entries));

/** Contract 2.4, the strictest of its readers. */
export function isEnabled(value: unknown): boolean {
  return value !== false && value !== 'false' && value !== '0' && value !== 0;
}

export function isTooDeep(json: Json): boolean {
  let level: readonly Json[] = [json];
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth += 1) level = level.flatMap(childrenOf);
  return level.some(isContainer);
}

/**
 * The first thing that is wrong with a definition.
 * @param path how the definition is called in what people are told
 * @param whole the field that is told when the whole is not even an object
 */
export function invalidField(path: string, whole: string, issue: v.BaseIssue<unknown>): SpecProblem {
  const field = v.getDotPath(issue) ?? whole;
  const expected = field === whole ? 'an object' : (EXPECTED[field] ?? 'a text');
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

function childrenOf(value: Json): readonly Json[] {
  return isContainer(value) ? Object.values(value) : [];
}

function isContainer(value: Json): value is readonly Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
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
