import { mergeObservations, type Observation } from '../../actors/observation.ts';

/** What the engine found at the start, until the desired state says whose it is. */
export class FoundContainers {
  readonly #found = new Map<string, Observation>();

  get size(): number {
    return this.#found.size;
  }

  note(observation: Observation): void {
    const older = this.#found.get(observation.botId);
    this.#found.set(observation.botId, older === undefined ? observation : mergeObservations(older, observation));
  }

  take(botId: string): Observation | undefined {
    const found = this.#found.get(botId);
    this.#found.delete(botId);
    return found;
  }

  /** What is left: nobody's. */
  takeAll(): Observation[] {
    const all = [...this.#found.values()];
    this.#found.clear();
    return all;
  }
}
