import { createHash } from 'node:crypto';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import { isStored } from '../bot-environment.ts';
import { goJson } from '../go-json.ts';
import type { ContainerIdentity, Labels } from './container-labels.ts';
import type { ContainerInspection } from './docker-api.ts';

/**
 * Containers of realtime bots that the Go runtime made (contract 5.2): a random name, its labels and none of ours. What one
 * runs on is in its environment, so it need not be restarted to be taken over.
 */

/** As `shapeRevision`: never what we would make, so it is shown as outdated until a restart renews it. */
const SHAPE = 'go-runtime';
/** Contract App. B. */
const QUERY_PORT = 9476;
/** Every container of ours has them; labels of an image are its containers', too. */
const OURS = ['the0.instance', 'the0.role'];

/** The bot's id, or null: no such container. Its scheduled runs and its queries have another type, and are left alone. */
export function goBotIn(labels: Labels): string | null {
  if (labels['runtime.managed'] !== 'true' || labels['runtime.type'] !== 'realtime') return null;
  if (OURS.some((name) => labels[name] !== undefined)) return null;
  return labels['runtime.id'] || null;
}

export interface GoIdentity extends ContainerIdentity {
  /** To be compared with {@link contentRevision}. */
  readonly content: string;
}

/** Its `specRevision` is none that is ever desired: which one it is equal to is found by `content`. */
export function identifyGo(inspection: ContainerInspection): GoIdentity | null {
  const botId = goBotIn(inspection.Config.Labels);
  if (botId === null) return null;
  const env = new Map(
    inspection.Config.Env.map((variable): [string, string] => {
      const equals = variable.indexOf('=');
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
  const shown = (name: string): string => env.get(name) ?? '';
  // A bot without a config: CONFIG is null, BOT_CONFIG is {}.
  const config = shown('CONFIG') === 'null' ? '{}' : shown('CONFIG');
  const content = digest({
    botId: shown('BOT_ID') === shown('ID') ? shown('BOT_ID') : '',
    config: config === shown('BOT_CONFIG') ? config : '',
    codeFile: shown('CODE_FILE'),
    runtime: shown('RUNTIME'),
    entrypoint: shown('ENTRYPOINT'),
    queryEntrypoint: shown('QUERY_ENTRYPOINT'),
    type: shown('BOT_TYPE'),
  });
  return {
    botId,
    // It has no number; the time of its start is one (see `Incarnation`).
    incarnation: Date.parse(inspection.Created) || 0,
    specRevision: `go-${content}`,
    shapeRevision: SHAPE,
    queryPort: shown('QUERY_ENTRYPOINT') === '' ? null : QUERY_PORT,
    keepsFilesInside: true,
    keys: null,
    content,
  };
}

/**
 * Hash of everything of a definition that a Go container shows. The version is not among it: it reaches no bot, and comes
 * with another code key and another `config.version`. Null: the Go runtime cannot run such a bot.
 */
export function contentRevision(definition: BotDefinition): string | null {
  if (!isStored(definition)) return null;
  return digest({
    botId: definition.id,
    config: goJson(definition.config),
    codeFile: definition.filePath,
    runtime: definition.runtime,
    entrypoint: definition.entrypoint,
    queryEntrypoint: definition.queryEntrypoint ?? '',
    type: definition.kind,
  });
}

interface Content {
  readonly botId: string;
  /** JSON as Go writes it, compared letter by letter. */
  readonly config: string;
  readonly codeFile: string;
  readonly runtime: string;
  readonly entrypoint: string;
  readonly queryEntrypoint: string;
  readonly type: string;
}

function digest({ botId, config, codeFile, runtime, entrypoint, queryEntrypoint, type }: Content): string {
  const parts = [botId, config, codeFile, runtime, entrypoint, queryEntrypoint, type];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
