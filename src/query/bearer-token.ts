import { hash, timingSafeEqual } from 'node:crypto';

/**
 * Checks `Authorization: Bearer <token>` in a time that tells nothing of the token: what is compared are digests.
 * With no token configured everything passes.
 */
export class BearerToken {
  readonly #digest: Buffer | null;

  constructor(token: string | null) {
    this.#digest = token === null ? null : digestOf(token);
  }

  get required(): boolean {
    return this.#digest !== null;
  }

  /** @param authorization the header as it came, '' when absent */
  accepts(authorization: string): boolean {
    if (this.#digest === null) return true;
    const given = /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
    return timingSafeEqual(digestOf(given), this.#digest);
  }
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
