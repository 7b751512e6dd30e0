import { EngineError } from '../container-engine.ts';
import type { DockerApi } from './docker-api.ts';
import { detailOf } from './docker-errors.ts';

/** How long "the image is missing" is believed, so that a thousand waiting bots ask Docker once. */
const MISSING_BELIEVED_MS = 1_000;

/** The one image all containers are made from (contract 5.1). */
export class BotImage {
  readonly reference: string;
  readonly #api: DockerApi;
  readonly #pull: 'never' | 'missing';
  /** The running or last check; null when the next start has to look. */
  #check: Promise<void> | null = null;

  constructor(api: DockerApi, reference: string, pull: 'never' | 'missing') {
    this.#api = api;
    this.reference = reference;
    this.#pull = pull;
  }

  /** @throws EngineError `image-missing` */
  async ensure(): Promise<void> {
    this.#check ??= this.#look();
    await this.#check;
  }

  /** Docker said that it is not there (removed after it was checked). */
  forget(): void {
    this.#check = null;
  }

  async #look(): Promise<void> {
    try {
      if (await this.#api.imageExists(this.reference)) return;
      if (this.#pull === 'never') throw this.missing();
      await this.#api.pull(this.reference).catch((error: unknown) => {
        throw this.missing(detailOf(error));
      });
    } catch (error) {
      setTimeout(() => this.forget(), MISSING_BELIEVED_MS).unref();
      throw error;
    }
  }

  missing(pullFailure?: string): EngineError {
    const advice =
      pullFailure === undefined
        ? 'Build it with "npm run image".'
        : `It could not be pulled either (${pullFailure}). Check its name, or build one with "npm run image".`;
    const facts = { image: this.reference, ...(pullFailure === undefined ? {} : { detail: pullFailure }) };
    return new EngineError(
      { code: 'image-missing', facts },
      `The image ${this.reference} is not on this Docker engine. ${advice}`,
    );
  }
}
