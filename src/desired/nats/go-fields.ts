import { isObject, type JsonObject } from '../bot-fields.ts';
import { EventRefused } from '../event-store.ts';

/**
 * Reads an object as Go's `encoding/json` fills a struct (contract 3.2): field names are matched without regard to case, the
 * last of several wins, unknown ones are ignored, null is as good as missing, and a wrong type fails the whole.
 */
export class GoFields {
  readonly #fields = new Map<string, JsonObject[string]>();
  readonly #path: string;

  /** @param path how the object is called in what people are told; empty for the whole message */
  constructor(object: JsonObject, path = '') {
    this.#path = path === '' ? '' : `${path}.`;
    for (const [key, value] of Object.entries(object)) this.#fields.set(folded(key), value);
  }

  /** @throws EventRefused */
  text(name: string): string {
    const value = this.#fields.get(folded(name)) ?? '';
    if (typeof value !== 'string') throw this.#wrong(name, 'a text');
    return value;
  }

  /** Verbatim. @throws EventRefused */
  object(name: string): JsonObject | null {
    const value = this.#fields.get(folded(name)) ?? null;
    if (value !== null && !isObject(value)) throw this.#wrong(name, 'an object');
    return value;
  }

  /** A map of texts; null in it is an empty one. @throws EventRefused */
  texts(name: string): { readonly [key: string]: string } | null {
    const object = this.object(name);
    if (object === null) return null;
    return Object.fromEntries(
      Object.entries(object).map(([key, value]) => {
        if (value !== null && typeof value !== 'string') throw this.#wrong(`${name}.${key}`, 'a text');
        return [key, value ?? ''];
      }),
    );
  }

  /** @throws EventRefused */
  fields(name: string): GoFields {
    return new GoFields(this.object(name) ?? {}, `${this.#path}${name}`);
  }

  /** RFC 3339, written again without its fraction; Go's zero time when missing. @throws EventRefused */
  timestamp(name: string): string {
    const value = this.#fields.get(folded(name)) ?? null;
    if (value === null) return '0001-01-01T00:00:00Z';
    if (typeof value !== 'string' || !isRfc3339(value)) throw this.#wrong(name, 'a time as RFC 3339 has it');
    return value.replace(/\.\d+/, '');
  }

  /** Never tells the value: it may be secret. */
  #wrong(name: string, expected: string): EventRefused {
    return new EventRefused(`its field ${this.#path}${name.slice(0, 100)} is not ${expected}`);
  }
}

/** Go folds two letters outside of ASCII into ASCII ones as well: the long s and the Kelvin sign. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

function isRfc3339(text: string): boolean {
  const [matched, year, month, day] = RFC_3339.exec(text) ?? [];
  if (matched === undefined) return false;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}
