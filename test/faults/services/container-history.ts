import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LineSplitter } from '../../../src/engine/docker/event-stream.ts';
import { isJsonObject, parseJsonObject } from '../../../src/engine/json-object.ts';
import { docker } from '../../services/docker.ts';

/** One start of a container, and its end as far as it is known. */
export interface Life {
  readonly botId: string;
  readonly containerId: string;
  readonly specRevision: string;
  /** Of a run of a scheduled bot; Unix seconds. */
  readonly occurrence: number | null;
  /** Docker's clock, in milliseconds since the epoch. */
  readonly startedAt: number;
  endedAt: number | null;
  exitCode: number | null;
  /** Somebody ended it; else it ended by itself. */
  wasEnded: boolean;
}

const LARGEST_LINE = 1_000_000;
const ACTIONS = ['start', 'kill', 'die'];

/**
 * Everything that the containers of one deployment went through, as Docker itself tells it, past the runtime and all
 * proxies. Query runs are not among them.
 */
export class ContainerHistory {
  readonly lives: Life[] = [];
  /** What must never be, in sentences. */
  readonly violations: string[] = [];
  readonly #stream: Readable;
  readonly #open = new Map<string, Life>();

  private constructor(stream: Readable) {
    this.#stream = stream;
    const splitter = new LineSplitter(LARGEST_LINE);
    stream.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) this.#take(line);
    });
  }

  static async follow(instance: string): Promise<ContainerHistory> {
    const filters = { type: ['container'], event: ACTIONS, label: [`the0.instance=${instance}`, 'the0.role=bot'] };
    const stream = await docker.getEvents({ filters: JSON.stringify(filters) });
    if (!('destroy' in stream)) throw new Error('Docker gave no event stream');
    return new ContainerHistory(stream as Readable);
  }

  of(botId: string): readonly Life[] {
    return this.lives.filter((life) => life.botId === botId);
  }

  /** Docker tells events a moment after they were. */
  async settled(): Promise<void> {
    let seen = -1;
    while (seen !== this.lives.length) {
      seen = this.lives.length;
      await delay(200);
    }
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(line: string): void {
    const event = parseJsonObject(line);
    const actor = event?.['Actor'];
    if (event == null || !isJsonObject(actor) || !isJsonObject(actor['Attributes'])) return;
    const { Action: action, timeNano } = event;
    const { ID: containerId, Attributes: labels } = actor;
    if (typeof containerId !== 'string') return;
    const at = Number(timeNano) / 1e6;
    const life = this.#open.get(containerId);
    switch (action) {
      case 'start':
        this.#started(containerId, labels, at);
        break;
      case 'kill':
        if (life !== undefined) life.wasEnded = true;
        break;
      case 'die':
        if (life === undefined) return;
        life.endedAt = at;
        life.exitCode = Number(labels['exitCode']);
        this.#open.delete(containerId);
        break;
      default:
    }
  }

  #started(containerId: string, labels: Readonly<Record<string, unknown>>, startedAt: number): void {
    const botId = String(labels['runtime.id']);
    for (const other of this.#open.values()) {
      if (other.botId !== botId) continue;
      this.violations.push(`${botId}: ${short(containerId)} was started while ${short(other.containerId)} ran`);
    }
    const occurrence = labels['the0.occurrence'] === undefined ? null : Number(labels['the0.occurrence']);
    const specRevision = String(labels['the0.spec-revision']);
    const life = { botId, containerId, specRevision, occurrence, startedAt, endedAt: null, exitCode: null };
    const begun: Life = { ...life, wasEnded: false };
    this.#open.set(containerId, begun);
    this.lives.push(begun);
  }
}

export function short(containerId: string): string {
  return containerId.slice(0, 12);
}
