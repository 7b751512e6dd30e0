import type { BotKind } from '../../../actors/bot-spec.ts';
import type { Json } from '../bot-definition.ts';
import { BOT_ID, DEEPEST, isObject, isTooDeep, type JsonObject } from '../bot-fields.ts';
import { EventRefused } from '../event-store.ts';
import type { BotContent, LifecycleChange } from '../lifecycle-event.ts';
import { GoFields } from './go-fields.ts';

export type EventPayload = LifecycleChange & { readonly botId: string };

/**
 * What a message of contract 3.2 says. For bots the flat form is tried first, and the wrapped one when that fails or has
 * no id; schedules have only the flat one. Of a deletion only the id is looked at: a bot is not kept running because of
 * some other field.
 * @throws EventRefused with a message that holds nothing of the payload
 */
export function parseEvent(kind: BotKind, change: LifecycleChange['change'], payload: Uint8Array): EventPayload {
  const message = parseObject(payload);
  if (kind === 'scheduled') return parseFlat(change, message, 'timestamp');
  try {
    return parseFlat(change, message, 'text');
  } catch (flat) {
    if (!(flat instanceof EventRefused)) throw flat;
    const wrapper = new GoFields(message);
    const data = dataOf(wrapper);
    // What is wrong with the flat form tells more to most: nothing sends the other any more.
    if (data === null) throw flat;
    for (const name of ['type', 'entity_id']) wrapper.text(name);
    return parseFlat(change, data, 'timestamp');
  }
}

/** Whom a message that cannot be applied is about; null when not even that can be read. */
export function botIdIn(payload: Uint8Array): string | null {
  try {
    const message = new GoFields(parseObject(payload));
    const id = message.text('id') || new GoFields(dataOf(message) ?? {}).text('id');
    return BOT_ID.test(id) ? id : null;
  } catch (error) {
    if (error instanceof EventRefused) return null;
    throw error;
  }
}

function parseFlat(change: LifecycleChange['change'], message: JsonObject, times: 'text' | 'timestamp'): EventPayload {
  const fields = new GoFields(message);
  const botId = fields.text('id');
  if (!BOT_ID.test(botId)) throw new EventRefused(botId === '' ? 'it has no id' : 'its id is not one of a bot');
  if (change === 'deleted') return { change, botId };
  return { change, botId, content: contentOf(fields, times) };
}

/** What of an event is stored; the Go runtime drops the rest too, such as `hasFrontend`. */
function contentOf(fields: GoFields, times: 'text' | 'timestamp'): BotContent {
  const custom = fields.fields('custom');
  const config = custom.fields('config');
  const runtime = config.text('runtime');
  return {
    config: fields.object('config'),
    custom: {
      config: {
        name: config.text('name'),
        description: config.text('description'),
        ...(runtime === '' ? {} : { runtime }),
        version: config.text('version'),
        author: config.text('author'),
        type: config.text('type'),
        entrypoints: config.texts('entrypoints'),
        schema: config.object('schema'),
        readme: config.text('readme'),
        metadata: config.object('metadata'),
      },
      createdAt: custom[times]('createdAt'),
      updatedAt: custom[times]('updatedAt'),
      filePath: custom.text('filePath'),
      version: custom.text('version'),
    },
  };
}

function dataOf(wrapper: GoFields): JsonObject | null {
  try {
    return wrapper.object('data');
  } catch (error) {
    if (error instanceof EventRefused) return null;
    throw error;
  }
}

function parseObject(payload: Uint8Array): JsonObject {
  let json: Json;
  try {
    json = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    // The engine's message quotes the text, which may be a secret.
    throw new EventRefused('it is not JSON');
  }
  if (!isObject(json)) throw new EventRefused('it is not a JSON object');
  // MongoDB takes no deeper ones.
  if (isTooDeep(json)) throw new EventRefused(`it is nested more than ${DEEPEST} levels deep`);
  return json;
}
