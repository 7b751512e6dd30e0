import type http from 'node:http';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { dockerAgent } from './docker-agent.ts';
import { DockerTimeout, detailOf, isUnreachable, statusOf } from './docker-errors.ts';
import { WATCHED_ACTIONS } from './event-stream.ts';
import { framesOf } from './log-frames.ts';

const ROOM_FOR_FRAMES = 1024;

/** Longest waits for answers, in milliseconds. */
export interface DockerDeadlines {
  /** Inspect, create, remove: what takes milliseconds on a healthy engine. */
  readonly callMs: number;
  /** A start waits its turn inside Docker when many start at once. */
  readonly startMs: number;
  readonly listMs: number;
  readonly pullMs: number;
}

export type ContainerInspection = Docker.ContainerInspectInfo;
export type ContainerSummary = Docker.ContainerInfo;

export interface DockerSockets {
  /** For short calls; a call above that waits for one, within its deadline. */
  readonly calls: number;
  /** A stop keeps its socket for the whole grace of a bot, so stops have their own and never hold up a start. */
  readonly stops: number;
}

/**
 * The few calls of the Docker Engine API that are needed, each with a deadline. Where Docker is comes from the standard
 * environment (`DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`, `DOCKER_API_VERSION`; contract 5.1).
 *
 * Everything throws what dockerode throws, or {@link DockerTimeout}; "not there" is a value, not an error.
 */
export class DockerApi {
  readonly #calls: Docker;
  readonly #stops: Docker;
  /** The event stream lasts for hours: a socket of its own. */
  readonly #streams: Docker;
  readonly #agents: readonly http.Agent[];
  readonly #deadlines: DockerDeadlines;
  #asking: Promise<boolean> | null = null;

  /** @param options where Docker is, when not where the environment says (for tests) */
  constructor(deadlines: DockerDeadlines, sockets: DockerSockets, options: Docker.DockerOptions = {}) {
    this.#deadlines = deadlines;
    const version = process.env['DOCKER_API_VERSION'];
    const agents = [
      dockerAgent(sockets.calls, true),
      dockerAgent(sockets.stops, false),
      dockerAgent(4, false),
    ] as const;
    const client = (one: http.Agent) => {
      // `agent` is an option of docker-modem that the published types leave out.
      const withAgent = { ...(version ? { version: `v${version}` } : {}), ...options, agent: one };
      return new Docker(withAgent);
    };
    this.#agents = agents;
    this.#calls = client(agents[0]);
    this.#stops = client(agents[1]);
    this.#streams = client(agents[2]);
  }

  /** Whether Docker says anything at all; everybody who asks at the same time shares the answer. */
  async answers(): Promise<boolean> {
    this.#asking ??= this.#ping().finally(() => {
      this.#asking = null;
    });
    return await this.#asking;
  }

  async #ping(): Promise<boolean> {
    try {
      await this.#call('ping', this.#deadlines.callMs, (abortSignal) => {
        // Not on the sockets of calls, which may all wait; and the client's own `ping` cannot be given up by its types.
        const options = { path: '/_ping', method: 'GET', abortSignal, statusCodes: { 200: true } };
        return new Promise<void>((resolve, reject) => {
          this.#streams.modem.dial(options, (error: Error | null) => (error ? reject(error) : resolve()));
        });
      });
      return true;
    } catch (error) {
      return !isUnreachable(error);
    }
  }

  async inspect(idOrName: string): Promise<ContainerInspection | null> {
    return await this.#call('inspect', this.#deadlines.callMs, async (abortSignal) =>
      orNull(404, this.#calls.getContainer(idOrName).inspect({ abortSignal })),
    );
  }

  /** Containers in any state that carry all these labels. */
  async list(labels: readonly string[]): Promise<ContainerSummary[]> {
    return await this.#call('list', this.#deadlines.listMs, (abortSignal) =>
      this.#calls.listContainers({ all: true, filters: { label: [...labels] }, abortSignal }),
    );
  }

  /** All that run, whosever they are. */
  async running(): Promise<ContainerSummary[]> {
    return await this.#call('list', this.#deadlines.listMs, (abortSignal) =>
      this.#calls.listContainers({ abortSignal }),
    );
  }

  /** Of the engine itself: made when it was installed. */
  async engineId(): Promise<string> {
    const info: unknown = await this.#call('info', this.#deadlines.callMs, () => this.#calls.info());
    if (typeof info === 'object' && info !== null && 'ID' in info && typeof info.ID === 'string') return info.ID;
    throw new Error('Docker does not say who it is');
  }

  /** @returns the container's id */
  async create(options: Docker.ContainerCreateOptions): Promise<string> {
    const { id } = await this.#call('create', this.#deadlines.callMs, (abortSignal) =>
      this.#calls.createContainer({ ...options, abortSignal }),
    );
    return id;
  }

  async start(id: string): Promise<'started' | 'running-already' | 'absent'> {
    return await this.#call('start', this.#deadlines.startMs, async (abortSignal) => {
      try {
        await this.#calls.getContainer(id).start({ abortSignal });
        return 'started';
      } catch (error) {
        if (statusOf(error) === 304) return 'running-already';
        if (statusOf(error) === 404 && /no such container/i.test(detailOf(error))) return 'absent';
        throw error;
      }
    });
  }

  /** Resolves with its exit code when it does not run any more, at once when it does not. */
  async ended(id: string, deadlineMs: number): Promise<number> {
    // On a socket of its own: the answer comes when the container ends.
    const { StatusCode }: { StatusCode: number } = await this.#call('wait', deadlineMs, (abortSignal) =>
      this.#stops.getContainer(id).wait({ condition: 'not-running', abortSignal }),
    );
    return StatusCode;
  }

  /** The last lines a container wrote, both streams as they came. */
  async logTail(id: string, lines: number): Promise<string> {
    const log = await this.#call('logs', this.#deadlines.callMs, (abortSignal) =>
      this.#calls.getContainer(id).logs({ follow: false, stdout: true, stderr: true, tail: lines, abortSignal }),
    );
    return framesOf(log);
  }

  /** SIGTERM, after the grace SIGKILL; resolves when the container has ended, or is not there. */
  async stop(id: string, graceSeconds: number): Promise<void> {
    const deadlineMs = graceSeconds * 1_000 + this.#deadlines.callMs;
    await this.#call('stop', deadlineMs, (abortSignal) =>
      orNull(404, orNull(304, this.#stops.getContainer(id).stop({ t: graceSeconds, abortSignal }))),
    );
  }

  /** Ends and removes it with its anonymous volumes; resolves when it is gone. */
  async remove(id: string): Promise<void> {
    const deadlineMs = this.#deadlines.callMs + this.#deadlines.startMs;
    await this.#call('remove', deadlineMs, async (abortSignal) => {
      const container = this.#stops.getContainer(id);
      const removed = await orNull(
        409,
        container
          .remove({ force: true, v: true, abortSignal })
          .then(() => true)
          .catch(gone),
      );
      // 409: somebody else removes it at this moment.
      if (removed === null) await container.wait({ condition: 'removed', abortSignal }).catch(gone);
    });
  }

  /** As `remove`, but one that runs is left as it is; Docker begins no start of it any more. @returns whether it is gone */
  async removeUnlessRunning(id: string): Promise<boolean> {
    const deadlineMs = this.#deadlines.callMs + this.#deadlines.startMs;
    return await this.#call('remove', deadlineMs, async (abortSignal) => {
      const container = this.#stops.getContainer(id);
      try {
        await container.remove({ v: true, abortSignal });
        return true;
      } catch (error) {
        if (statusOf(error) !== 409) return gone(error);
        if (!/already in progress/i.test(detailOf(error))) return false;
      }
      await container.wait({ condition: 'removed', abortSignal }).catch(gone);
      return true;
    });
  }

  /** The last lines a container wrote to stderr since `sinceMs` (Docker's clock). */
  async stderrTail(id: string, options: { lines: number; sinceMs: number; deadlineMs: number }): Promise<string> {
    const log = await this.#call('logs', options.deadlineMs, (abortSignal) =>
      this.#calls.getContainer(id).logs({
        follow: false,
        stdout: false,
        stderr: true,
        tail: options.lines,
        since: options.sinceMs / 1_000,
        abortSignal,
      }),
    );
    return framesOf(log);
  }

  /**
   * Runs a program in a running container, as the container's user. It must end by itself: that it is not waited for any
   * longer does not end it.
   * @param mostBytes of its stdout; the rest is left out
   */
  async execute(
    id: string,
    command: readonly string[],
    mostBytes: number,
  ): Promise<{ exitCode: number; stdout: string } | 'not-running'> {
    return await this.#call('exec', this.#deadlines.callMs, async (abortSignal) => {
      try {
        const options = { Cmd: [...command], AttachStdout: true, AttachStderr: false, abortSignal };
        // On a socket of its own: the output takes it over.
        const exec = await this.#stops.getContainer(id).exec(options);
        const frames = await readAtMost(await exec.start({ abortSignal }), mostBytes + ROOM_FOR_FRAMES, abortSignal);
        const { ExitCode } = await exec.inspect({ abortSignal });
        return { exitCode: ExitCode ?? -1, stdout: framesOf(frames) };
      } catch (error) {
        // 404: there is no such container; 409: it does not run.
        if (statusOf(error) === 404 || (statusOf(error) === 409 && !/paused/i.test(detailOf(error))))
          return 'not-running';
        throw error;
      }
    });
  }

  /** The changes of containers that carry all these labels, as a stream of JSON lines. */
  async events(labels: readonly string[]): Promise<Readable> {
    // As text, because the published types want `type` narrower than their own strings allow.
    const filters = JSON.stringify({ type: ['container'], event: WATCHED_ACTIONS, label: labels });
    return await this.#call('events', this.#deadlines.callMs, async (abortSignal) => {
      // `abortSignal` is an option that the published types leave out.
      const options = { filters, abortSignal };
      const stream = await this.#streams.getEvents(options);
      if (!isReadable(stream)) throw new Error('Docker gave no event stream');
      return stream;
    });
  }

  async imageExists(reference: string): Promise<boolean> {
    const image = await this.#call('image inspect', this.#deadlines.callMs, () =>
      orNull(404, this.#calls.getImage(reference).inspect()),
    );
    return image !== null;
  }

  async pull(reference: string): Promise<void> {
    await this.#call('pull', this.#deadlines.pullMs, async (abortSignal) => {
      const stream = await this.#stops.pull(reference, { abortSignal });
      await new Promise<void>((resolve, reject) => {
        this.#stops.modem.followProgress(stream, (error: Error | null) => (error ? reject(error) : resolve()));
      });
    });
  }

  async networkId(name: string): Promise<string | null> {
    const networks = await this.#call('network list', this.#deadlines.callMs, (abortSignal) =>
      this.#calls.listNetworks({ filters: { name: [name] }, abortSignal }),
    );
    // The filter matches parts of names; of two with the same name everybody takes the older.
    const same = networks.filter((network) => network.Name === name);
    same.sort((a, b) => (a.Created === b.Created ? compare(a.Id, b.Id) : compare(a.Created, b.Created)));
    return same[0]?.Id ?? null;
  }

  async createNetwork(options: Docker.NetworkCreateOptions): Promise<string> {
    const network = await this.#call('network create', this.#deadlines.callMs, (abortSignal) =>
      this.#calls.createNetwork({ ...options, abortSignal }),
    );
    return network.id;
  }

  async removeNetwork(id: string): Promise<void> {
    await this.#call('network remove', this.#deadlines.callMs, () => orNull(404, this.#calls.getNetwork(id).remove()));
  }

  close(): void {
    for (const one of this.#agents) one.destroy();
  }

  /**
   * The deadline is a race of its own, because an answer that breaks off in its middle leaves the promise of the client
   * library unsettled for ever.
   */
  async #call<Result>(
    operation: string,
    deadlineMs: number,
    run: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new DockerTimeout(operation, deadlineMs));
        abort.abort();
      }, deadlineMs);
    });
    try {
      return await Promise.race([run(abort.signal), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function orNull<Result>(status: number, answer: Promise<Result>): Promise<Result | null> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === status) return null;
    throw error;
  }
}

/** For a removal, "no such container" is success. */
function gone(error: unknown): true {
  if (statusOf(error) === 404) return true;
  throw error;
}

async function readAtMost(stream: Readable, mostBytes: number, signal: AbortSignal): Promise<Buffer> {
  const destroy = () => stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of stream) {
      if (!Buffer.isBuffer(part)) continue;
      parts.push(part);
      bytes += part.length;
      if (bytes >= mostBytes) break;
    }
  } finally {
    signal.removeEventListener('abort', destroy);
    stream.destroy();
  }
  return Buffer.concat(parts).subarray(0, mostBytes);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isReadable(stream: NodeJS.ReadableStream): stream is Readable {
  return 'destroy' in stream;
}
