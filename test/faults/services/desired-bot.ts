import { defineBot } from '../../../src/desired/mongodb/bot-document.ts';
import type { Random } from '../../simulation/random.ts';
import { type Code, filePathOf } from './code.ts';
import type { ServicesStage } from './services-stage.ts';

export type Wish = 'enabled' | 'disabled' | 'deleted';

/** What one event said. */
export interface Version {
  readonly n: number;
  readonly wish: Wish;
}

/** A bot as the API knows it: each event has a number of its own, which is in the config, so no start happens twice rightly. */
export class DesiredBot {
  readonly id: string;
  readonly kind: 'bot' | 'bot-schedule';
  readonly #code: Code;
  readonly #schedule: string | null;
  readonly #versions = new Map<string, Version>();
  wish: Wish = 'deleted';
  n = 0;

  constructor(id: string, code: Code, schedule: string | null = null) {
    this.id = id;
    this.kind = schedule === null ? 'bot' : 'bot-schedule';
    this.#code = code;
    this.#schedule = schedule;
  }

  get config(): Readonly<Record<string, unknown>> {
    const schedule = this.#schedule === null ? {} : { schedule: this.#schedule };
    return { n: this.n, of: this.id, enabled: this.wish === 'enabled', ...schedule };
  }

  /** The revision that is to run now; null: none is. */
  get revision(): string | null {
    return this.wish === 'enabled' ? this.#revision() : null;
  }

  /** What was published under this revision; undefined: nothing. */
  versionOf(revision: string): Version | undefined {
    return this.#versions.get(revision);
  }

  async changeSomehow(stage: ServicesStage, random: Random): Promise<void> {
    if (this.wish === 'deleted') return await this.change(stage, 'enabled');
    const roll = random.next();
    if (roll < 0.15) return await this.change(stage, 'deleted');
    if (roll < 0.4) return await this.change(stage, this.wish === 'enabled' ? 'disabled' : 'enabled');
    await this.change(stage, this.wish);
  }

  async change(stage: ServicesStage, wish: Wish): Promise<void> {
    const change = wish === 'deleted' ? 'deleted' : this.wish === 'deleted' ? 'created' : 'updated';
    this.n += 1;
    this.wish = wish;
    // Before it is published: it may be seen to run before the answer of NATS is here.
    this.#versions.set(this.#revision(), { n: this.n, wish });
    const { id, config } = this;
    const event = change === 'deleted' ? { id, config: {} } : { id, config, custom: this.#custom };
    await stage.api.publish(`${this.kind}.${change}`, event);
  }

  get #custom() {
    const about = {
      name: this.id,
      type: this.kind === 'bot' ? 'realtime' : 'scheduled',
      runtime: 'nodejs20',
      version: '1.0.0',
      entrypoints: this.#code.entrypoints,
    };
    const times = { createdAt: '2026-01-02T03:04:05Z', updatedAt: '2026-01-02T03:04:05Z' };
    return { version: '1.0.0', filePath: filePathOf(this.#code), ...times, config: about };
  }

  #revision(): string {
    const kind = this.kind === 'bot' ? 'realtime' : 'scheduled';
    return defineBot(kind, this.id, { id: this.id, config: this.config, custom: this.#custom }).specRevision;
  }
}
