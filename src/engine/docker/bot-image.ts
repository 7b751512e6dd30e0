import { EngineError } from '../container-engine.ts';
import type { DockerApi } from './docker-api.ts';
import { detailOf } from './docker-errors.ts';

export type ImageCalls = Pick<DockerApi, 'imageExists' | 'pull'>;

/** The one image all containers are made from (contract 5.1). */
export class BotImage {
  readonly reference: string;
  readonly #api: ImageCalls;
  readonly #pull: 'never' | 'missing';
  readonly #missingBelievedMs: number;
  /** The running or last check; null when the next start has to look. */
  #check: Promise<void> | null = null;

  /** @param missingBelievedMs how long "the image is missing" is believed, so that a thousand waiting bots ask Docker once */
  constructor(api: ImageCalls, reference: string, pull: 'never' | 'missing', missingBelievedMs: number) {
    this.#missingBelievedMs = missingBelievedMs;
    this.#api = api;
    this.reference = reference;
    this.#pull = pull;
  }

  /** @throws EngineError `image-missing`, or what Docker answered to the question */
  async ensure(): Promise<void> {
    this.#check ??= this.#look();
    const check = this.#check;
    try {
      await check;
    } catch (error) {
      if (!(error instanceof EngineError)) this.#forget(check);
      throw error;
    }
  }

  /** Docker said that it is not there (removed after it was checked). */
  forget(): void {
    this.#check = null;
  }

  #forget(check: Promise<void>): void {
    if (this.#check === check) this.#check = null;
  }

  async #look(): Promise<void> {
    if (await this.#api.imageExists(this.reference)) return;
    let pullFailure: string | undefined;
    if (this.#pull === 'missing') {
      try {
        await this.#api.pull(this.reference);
        return;
      } catch (error) {
        pullFailure = detailOf(error);
      }
    }
    const check = this.#check;
    if (check !== null) setTimeout(() => this.#forget(check), this.#missingBelievedMs).unref();
    throw this.missing(pullFailure);
  }

  missing(pullFailure?: string): EngineError {
    const advice =
      pullFailure === undefined
        ? 'Build the0-runtime:local with "npm run image -- --target slim".'
        : `It could not be pulled either (${pullFailure}). Check its name, or build one with "npm run image -- --target slim".`;
    const facts = { image: this.reference, ...(pullFailure === undefined ? {} : { detail: pullFailure }) };
    return new EngineError(
      { code: 'image-missing', facts },
      `The image ${this.reference} is not on this Docker engine. ${advice}`,
    );
  }
}
