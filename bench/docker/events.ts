import type Docker from 'dockerode';

/** Notes when a container's next `start` event arrives here. One stream for all variants, so that they are timed alike. */
export class StartEvents {
  readonly #waiting = new Map<string, (atMs: number) => void>();
  #end: () => void = () => {};

  async open(docker: Docker): Promise<void> {
    const stream = await docker.getEvents({ filters: { type: ['container'], event: ['start'] } });
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const at = performance.now();
      rest += chunk.toString('utf8');
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event: unknown = JSON.parse(line);
        if (typeof event !== 'object' || event === null || !('id' in event) || typeof event.id !== 'string') continue;
        this.#waiting.get(event.id)?.(at);
        this.#waiting.delete(event.id);
      }
    });
    this.#end = () => {
      if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
    };
  }

  /** @returns when it was started, on the clock of `performance.now` */
  next(containerId: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(containerId, resolve));
  }

  close(): void {
    this.#end();
  }
}
