import type { BotKind } from '../../../actors/bot-spec.ts';
import type { BotDefinition } from '../../desired/bot-definition.ts';

/** Raised when what the labels mean changes; a runtime keeps its hands off containers with a newer number (design 10.9). */
export const LABEL_FORMAT = 1;

/** What a container tells about itself, whoever looks. */
export interface ContainerIdentity {
  readonly botId: string;
  /** The start it was created for; later starts in place are not in the labels, which cannot change. */
  readonly incarnation: number;
  readonly specRevision: string;
  /** Of a run of a scheduled bot, in Unix seconds; absent: it is none, or one of before there was this label. */
  readonly occurrence?: number;
  readonly shapeRevision: string;
  /** Port of the bot's query server, or null when it has none. */
  readonly queryPort: number | null;
  /** What it reaches the object store with; null when nothing is said about that. */
  readonly keys: ContainerKeys | null;
  /** Its state and log are in memory file systems of its own, out of this host's reach; else they are mounted (design 9). */
  readonly keepsFilesInside: boolean;
}

export interface ContainerKeys {
  /** They are those of the runtime, although it should have its own: they could not be made. */
  readonly shared: boolean;
  /** When they expire, milliseconds since the epoch; null: never. */
  readonly until: number | null;
}

export type Labels = Readonly<Record<string, string>>;

const OCCURRENCE = 'the0.occurrence';

/** Containers from before there was this label have mounts. */
const FILES = 'the0.files';
const INSIDE = 'inside';
const KEYS = 'the0.keys';
const KEYS_UNTIL = 'the0.keys-until';

/** Whose containers: of which runtime, and of which kinds of bots. Roles of one runtime share its name (design 6). */
export interface ContainerOwner {
  readonly instance: string;
  readonly kinds: readonly BotKind[];
}

/** Labels by which an engine lists and watches its own bots' containers and no others. */
export function ownLabels({ instance, kinds }: ContainerOwner): readonly string[] {
  const [kind, ...more] = kinds;
  const ofKind = kind === undefined || more.length > 0 ? [] : [`runtime.type=${kind}`];
  return [`the0.instance=${instance}`, 'the0.role=bot', ...ofKind];
}

/** `runtime.*` as contract 5.2 has them, `the0.*` ours. */
export function labelsFor(
  definition: BotDefinition,
  ours: Omit<ContainerIdentity, 'botId' | 'specRevision'> & { readonly instance: string },
): Labels {
  return {
    'runtime.managed': 'true',
    'runtime.id': definition.id,
    'runtime.entrypoint': definition.entrypoint,
    'runtime.type': definition.kind,
    'the0.format': String(LABEL_FORMAT),
    'the0.role': 'bot',
    'the0.instance': ours.instance,
    'the0.incarnation': String(ours.incarnation),
    ...(ours.occurrence === undefined ? {} : { [OCCURRENCE]: String(ours.occurrence) }),
    'the0.spec-revision': definition.specRevision,
    'the0.shape-revision': ours.shapeRevision,
    ...(ours.queryPort === null ? {} : { 'the0.query-port': String(ours.queryPort) }),
    ...(ours.keepsFilesInside ? { [FILES]: INSIDE } : {}),
    ...(ours.keys === null ? {} : { [KEYS]: ours.keys.shared ? 'shared' : 'own' }),
    ...(ours.keys?.until == null ? {} : { [KEYS_UNTIL]: String(ours.keys.until) }),
  };
}

/** The identity of a container of this owner; `foreign` for any other, `newer-format` for one of a newer runtime. */
export function readLabels(
  labels: Labels,
  { instance, kinds }: ContainerOwner,
): ContainerIdentity | 'foreign' | 'newer-format' {
  if (labels['the0.instance'] !== instance || labels['the0.role'] !== 'bot') return 'foreign';
  if (!kinds.some((kind) => kind === labels['runtime.type'])) return 'foreign';
  const botId = labels['runtime.id'];
  const format = Number(labels['the0.format']);
  const incarnation = Number(labels['the0.incarnation']);
  if (botId === undefined || !Number.isInteger(format) || !Number.isSafeInteger(incarnation)) return 'foreign';
  if (format > LABEL_FORMAT) return 'newer-format';
  const queryPort = Number(labels['the0.query-port']);
  const occurrence = Number(labels[OCCURRENCE]);
  return {
    botId,
    incarnation,
    ...(Number.isSafeInteger(occurrence) ? { occurrence } : {}),
    specRevision: labels['the0.spec-revision'] ?? '',
    shapeRevision: labels['the0.shape-revision'] ?? '',
    queryPort: Number.isInteger(queryPort) && queryPort > 0 ? queryPort : null,
    keepsFilesInside: labels[FILES] === INSIDE,
    keys: keysIn(labels),
  };
}

function keysIn(labels: Labels): ContainerKeys | null {
  if (labels[KEYS] === undefined) return null;
  const until = Number(labels[KEYS_UNTIL]);
  return { shared: labels[KEYS] === 'shared', until: Number.isSafeInteger(until) && until > 0 ? until : null };
}
