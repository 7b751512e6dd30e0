/** What must be undone when the runtime ends, last first: whoever starts a part says at once how it is ended. */
export class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Undoes all of it, also when some of it fails. @returns what failed */
  async all(): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error));
    return failures;
  }
}
