import type { Json } from '../desired/bot-definition.ts';

/**
 * JSON as Go's `encoding/json` writes it (contract 5.2 and App. C), because configs are compared and hashed byte by byte:
 * no blanks, object keys sorted by their UTF-8 bytes, `<`, `>`, `&`, U+2028 and U+2029 escaped, other non-ASCII raw,
 * unpaired surrogates as `\ufffd`, numbers in their shortest form.
 */
export function goJson(value: Json): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      // JSON.stringify turns -0 into 0; Go keeps the sign.
      return Object.is(value, -0) ? '-0' : JSON.stringify(value);
    case 'string':
      return goString(value);
    case 'object':
      return isList(value) ? `[${value.map(goJson).join(',')}]` : goObject(value);
  }
}

function isList(value: readonly Json[] | { readonly [key: string]: Json }): value is readonly Json[] {
  return Array.isArray(value);
}

function goObject(object: { readonly [key: string]: Json }): string {
  const members = Object.entries(object).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${members.map(([key, member]) => `${goString(key)}:${goJson(member)}`).join(',')}}`;
}

const SPECIAL = /["\\<>&\u2028\u2029\p{Cc}\p{Surrogate}]/gu;

function goString(text: string): string {
  return `"${text.replace(SPECIAL, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  const unit = character.charCodeAt(0);
  if (unit >= 0xd800 && unit <= 0xdfff) return '\\ufffd';
  if (unit >= 0x7f && unit <= 0x9f) return character;
  if (unit < 0x20 || character === '"' || character === '\\') return JSON.stringify(character).slice(1, -1);
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
