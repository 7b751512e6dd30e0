import { docker } from '../../test/services/docker.ts';

/** Counts the starts of a runtime's containers as Docker tells of them. */
export class Starts {
  total = 0;
  readonly #bots = new Set<string>();
  /** When so many different bots had been started, less one. */
  readonly #times: number[] = [];
  readonly #end: () => void;

  private constructor(stream: NodeJS.ReadableStream) {
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#started(JSON.parse(line));
    });
    this.#end = () => {
      if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
    };
  }

  static async watch(instance: string): Promise<Starts> {
    const label = [`the0.instance=${instance}`, 'the0.role=bot'];
    return new Starts(await docker.getEvents({ filters: { type: ['container'], event: ['start'], label } }));
  }

  /** When the n-th bot was started for the first time, on the clock of `performance.now`; undefined: not yet. */
  timeOf(nth: number): number | undefined {
    return this.#times[nth - 1];
  }

  close(): void {
    this.#end();
  }

  #started(event: { readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> } }): void {
    this.total += 1;
    const botId = event.Actor?.Attributes?.['runtime.id'] ?? '';
    if (this.#bots.has(botId)) return;
    this.#bots.add(botId);
    this.#times.push(performance.now());
  }
}
