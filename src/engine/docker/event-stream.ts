import { StringDecoder } from 'node:string_decoder';
import { isJsonObject, parseJsonObject } from '../json-object.ts';

/** One change of a container, as Docker tells it. */
export interface ContainerEvent {
  readonly action: 'start' | 'die' | 'destroy' | 'oom' | 'pause' | 'unpause';
  readonly containerId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Docker's clock, milliseconds since the epoch with a fraction. */
  readonly at: number;
  /** Only with `die`. */
  readonly exitCode: number | null;
}

/** The actions a bot's life is told from; others (`kill`, `rename`, `attach`) are not asked for. */
export const WATCHED_ACTIONS: readonly ContainerEvent['action'][] = [
  'start',
  'die',
  'destroy',
  'oom',
  'pause',
  'unpause',
];

/**
 * Cuts a stream of bytes into lines. Docker ends every JSON document of its event stream with a line feed, but a chunk can
 * hold half a document or several, and can be cut inside a character.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #largestLine: number;
  #rest = '';

  /** @param largestLine characters; a longer line throws, because a stream that never ends a line would fill the memory */
  constructor(largestLine: number) {
    this.#largestLine = largestLine;
  }

  /** @throws RangeError when a line gets too long */
  push(chunk: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > this.#largestLine)
      throw new RangeError(`a line of more than ${this.#largestLine} characters`);
    return lines.filter((line) => line.trim() !== '');
  }
}

/** @returns null for anything that is not one of the {@link WATCHED_ACTIONS} */
export function parseEvent(line: string): ContainerEvent | null {
  // What is no document is passed over: the comparison with the list will find what it meant.
  const event = parseJsonObject(line);
  const actor = event && objectOf(event['Actor']);
  const action = WATCHED_ACTIONS.find((name) => name === event?.['Action']);
  if (event === null || actor === null || action === undefined) return null;
  const { ID: containerId } = actor;
  const timeNano = event['timeNano'];
  if (typeof containerId !== 'string' || typeof timeNano !== 'number') return null;
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(objectOf(actor['Attributes']) ?? {})) {
    if (typeof value === 'string') labels[name] = value;
  }
  const exitCode = Number(labels['exitCode']);
  return {
    action,
    containerId,
    labels,
    at: timeNano / 1e6,
    exitCode: action === 'die' && Number.isInteger(exitCode) ? exitCode : null,
  };
}

function objectOf(value: unknown): Record<string, unknown> | null {
  return isJsonObject(value) ? value : null;
}
