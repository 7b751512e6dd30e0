import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import { containerName } from '../../src/engine/docker/container-name.ts';
import type { TraceStep } from '../../src/engine/docker/docker-engine.ts';

const CHANNEL = 'http.client.request.start';
/** A change that was not seen at all must not keep the benchmark for ever. */
const PATIENCE_MS = 120_000;

/** When Docker is first called about a bot after something was changed: the request of a creation, or the stop of what runs. */
export class FirstCalls {
  readonly #waiting = new Map<string, (atMs: number) => void>();
  readonly #onRequest = (message: unknown) => {
    const path = postedPath(message);
    if (path === null) return;
    if (path.pathname.endsWith('/containers/create')) this.#called(path.searchParams.get('name') ?? '');
    if (path.pathname.endsWith('/start')) this.#startMs ??= performance.now() - this.#begun;
  };

  #begun = 0;
  #startMs: number | null = null;

  constructor() {
    subscribe(CHANNEL, this.#onRequest);
  }

  /** To be given to the engine. */
  readonly trace = ({ botId, step }: TraceStep): void => {
    if (step === 'stop') this.#called(containerName(botId));
  };

  /** Milliseconds from now, when `change` is about to happen, to the call. */
  async after(botId: string, change: () => Promise<unknown>): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const late = setTimeout(() => reject(new Error(`Docker was not called about ${botId}`)), PATIENCE_MS);
    this.#waiting.set(containerName(botId), resolve);
    const begun = performance.now();
    this.#begun = begun;
    this.#startMs = null;
    try {
      const [at] = await Promise.all([promise, change()]);
      return at - begun;
    } finally {
      clearTimeout(late);
    }
  }

  /** Milliseconds from the last such change to the first start of a container after it; no other may be started meanwhile. */
  get startMs(): number {
    if (this.#startMs === null) throw new Error('no container was started');
    return this.#startMs;
  }

  close(): void {
    unsubscribe(CHANNEL, this.#onRequest);
  }

  #called(name: string): void {
    this.#waiting.get(name)?.(performance.now());
    this.#waiting.delete(name);
  }
}

function postedPath(message: unknown): URL | null {
  if (typeof message !== 'object' || message === null || !('request' in message)) return null;
  const { request } = message;
  if (!(request instanceof ClientRequest) || request.method !== 'POST') return null;
  return new URL(request.path, 'http://docker');
}
