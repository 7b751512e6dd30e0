import { Long, ObjectId } from 'mongodb';
import type { Json } from '../bot-definition.ts';

/** A value in a document that has no JSON form. */
export class NotJson extends Error {
  readonly code = 'not-json';
  /** Where it stands, with dots. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;

  constructor(field: string, expected: string, found: string) {
    super(`${field} is ${found}`);
    this.name = 'NotJson';
    this.field = field;
    this.expected = expected;
    this.found = found;
  }
}

/** Deeper than any document MongoDB takes; a guard for the stack. */
const DEEPEST = 200;

/**
 * A value of a document as the Go runtime writes it in JSON: all kinds of numbers alike, dates as RFC 3339 without trailing
 * zeros, object ids as hexadecimal text.
 * @throws NotJson
 */
export function jsonOf(value: unknown, field: string, depth = 0): Json {
  if (depth > DEEPEST) throw new NotJson(field, 'a value of a few levels', 'a deeper one');
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new NotJson(field, 'a number', 'not a number or infinite');
    case 'object':
      return value === null ? null : jsonOfObject(value, field, depth);
    default:
      throw new NotJson(field, 'a value of JSON', `of type ${typeof value}`);
  }
}

function jsonOfObject(value: object, field: string, depth: number): Json {
  if (Array.isArray(value)) return value.map((item, index) => jsonOf(item, `${field}.${index}`, depth + 1));
  if (value instanceof Date) return goTime(value, field);
  if (value instanceof ObjectId) return value.toHexString();
  // The driver itself makes numbers of those that a number can hold.
  if (value instanceof Long) throw new NotJson(field, 'a whole number of at most 2^53', 'a larger one');
  const type: unknown = '_bsontype' in value ? value._bsontype : undefined;
  if (typeof type === 'string' && !Object.hasOwn(value, '_bsontype')) {
    throw new NotJson(field, 'a value of JSON', `of type ${type}`);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotJson(field, 'a value of JSON', 'of another type');
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, jsonOf(member, `${field}.${key}`, depth + 1)]),
  );
}

function goTime(date: Date, field: string): string {
  if (Number.isNaN(date.getTime())) throw new NotJson(field, 'a date', 'outside of the calendar');
  return date.toISOString().replace(/\.?0*Z$/, 'Z');
}
