import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_AGENT_LIMITS } from '../../../src/agent/agent-limits.ts';
import type { ContainerEngine } from '../../../src/engine/container-engine.ts';
import { createDockerEngine, type DockerEngineOptions } from '../../../src/engine/docker/docker-engine.ts';

export interface FakeContainer {
  readonly Id: string;
  Name: string;
  readonly Created: number;
  readonly Config: { readonly Labels: Record<string, string>; readonly Env: readonly string[] };
  readonly State: {
    Status: string;
    Running: boolean;
    StartedAt: string;
    FinishedAt: string;
    ExitCode: number;
    OOMKilled: boolean;
  };
  readonly NetworkSettings: { readonly Networks: Record<string, never> };
}

type Answer = { readonly status: number; readonly message: string } | 'hang' | null;

const NEVER = '0001-01-01T00:00:00Z';

/** What the engine asks of Docker, for states that a real one cannot be brought into: containers are records, nothing runs. */
export class FakeDocker {
  readonly containers = new Map<string, FakeContainer>();
  /** Method and path of each request, in order. */
  readonly calls: string[] = [];
  /** Answers a request in place of what is below; null: it does not. */
  answerFor: (call: string) => Answer = () => null;
  /** Each answer about one container waits so long, in milliseconds; and how many waited at a time. */
  delayMs = 0;
  /** Each list waits so long. */
  listDelayMs = 0;
  mostAtOnce = 0;
  readonly socketPath: string;
  readonly #server: http.Server;
  readonly #events = new Set<http.ServerResponse>();
  #created = 0;
  #waiting = 0;

  private constructor(folder: string) {
    this.socketPath = join(folder, 'docker.sock');
    this.#server = http.createServer((request, response) => void this.#receive(request, response));
  }

  /** @param t cleans up at its end */
  static async listening(t: { after(cleanUp: () => Promise<void>): void }): Promise<FakeDocker> {
    const folder = await mkdtemp(join(tmpdir(), 'fake-docker-'));
    const fake = new FakeDocker(folder);
    await new Promise<void>((resolve) => fake.#server.listen(fake.socketPath, resolve));
    t.after(async () => {
      fake.dropConnections();
      fake.#server.close();
      await rm(folder, { recursive: true, force: true });
    });
    return fake;
  }

  /** An engine on this Docker. */
  engine(changes: Partial<DockerEngineOptions> = {}): ContainerEngine {
    return createDockerEngine({
      image: 'image',
      pull: 'never',
      instance: 'instance',
      kinds: ['realtime', 'scheduled'],
      governs: true,
      network: null,
      limits: {
        memoryMiB: 256,
        cpuShares: 512,
        pidsLimit: 256,
        agentGraceMs: 5_000,
        timeZone: 'UTC',
        dockerLogBytes: null,
        agent: DEFAULT_AGENT_LIMITS,
      },
      directories: null,
      objectStore: null,
      natsUrl: null,
      resyncMs: 50,
      deadlines: { callMs: 60_000, startMs: 60_000, listMs: 60_000, pullMs: 60_000 },
      sockets: { calls: 32, stops: 64 },
      reconnect: { firstMs: 50, capMs: 200 },
      lastWordsMs: 2_000,
      imageCheckMs: 1_000,
      now: Date.now,
      socketPath: this.socketPath,
      ...changes,
    });
  }

  of(botId: string): FakeContainer[] {
    return [...this.containers.values()].filter(({ Config }) => Config.Labels['runtime.id'] === botId);
  }

  /** The only container of this bot. */
  one(botId: string): FakeContainer {
    const [container, ...more] = this.of(botId);
    if (container === undefined || more.length > 0)
      throw new Error(`${botId} has ${more.length + 1} containers, or none`);
    return container;
  }

  end(container: FakeContainer, exitCode: number, status = 'exited'): void {
    const FinishedAt = new Date().toISOString();
    Object.assign(container.State, { Status: status, Running: false, ExitCode: exitCode, FinishedAt });
    this.tell('die', container, { exitCode: String(exitCode) });
  }

  tell(action: string, { Id, Config }: FakeContainer, attributes: Record<string, string> = {}): void {
    const Actor = { ID: Id, Attributes: { ...Config.Labels, ...attributes } };
    const line = `${JSON.stringify({ Type: 'container', Action: action, Actor, timeNano: Date.now() * 1e6 })}\n`;
    for (const stream of this.#events) stream.write(line);
  }

  /** Event streams and all. New ones are taken. */
  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  count(call: string): number {
    return this.calls.filter((one) => one === call).length;
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) if (Buffer.isBuffer(part)) parts.push(part);
    const url = new URL(request.url ?? '', 'http://docker');
    const call = `${request.method} ${url.pathname}`;
    this.calls.push(call);
    const answer = this.answerFor(call);
    if (answer === 'hang') return;
    if (answer !== null) {
      reply(response, answer.status, { message: answer.message });
      return;
    }
    if (call === 'GET /containers/json') await sleep(this.listDelayMs);
    if (this.delayMs > 0 && /^GET \/containers\/.+\/(json|logs)$/.test(call)) {
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#waiting);
      await sleep(this.delayMs);
      this.#waiting--;
    }
    this.#answer(call, url, Buffer.concat(parts).toString(), response);
  }

  #answer(call: string, url: URL, body: string, response: http.ServerResponse): void {
    if (call === 'GET /events') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
      this.#events.add(response);
      response.on('close', () => this.#events.delete(response));
    } else if (call === 'GET /_ping') reply(response, 200);
    else if (call === 'GET /containers/json') reply(response, 200, this.#list(url.searchParams.get('filters')));
    else if (call.startsWith('GET /images/')) reply(response, 200, { Id: 'image' });
    else if (call === 'GET /networks') reply(response, 200, [{ Name: 'the0-bots', Id: 'network', Created: '' }]);
    else if (call === 'POST /containers/create') this.#create(url.searchParams.get('name') ?? '', body, response);
    else this.#about(call, response);
  }

  #list(filters: string | null) {
    const wanted: { label?: string[] } = JSON.parse(filters ?? '{}');
    return [...this.containers.values()]
      .filter(({ Config: { Labels } }) =>
        wanted.label?.every((pair) => Object.entries(Labels).some(([k, v]) => `${k}=${v}` === pair)),
      )
      .map(({ Id, Name, Created, Config: { Labels }, State: { Status: State }, NetworkSettings }) => ({
        Id,
        Names: [`/${Name}`],
        Labels,
        State,
        Created,
        NetworkSettings,
      }));
  }

  #create(name: string, body: string, response: http.ServerResponse): void {
    if ([...this.containers.values()].some(({ Name }) => Name === name)) {
      reply(response, 409, { message: `Conflict. The container name "/${name}" is already in use` });
      return;
    }
    const { Labels }: { Labels: Record<string, string> } = JSON.parse(body);
    const Id = String(++this.#created).padStart(64, 'a');
    const State = {
      Status: 'created',
      Running: false,
      StartedAt: NEVER,
      FinishedAt: NEVER,
      ExitCode: 0,
      OOMKilled: false,
    };
    const Config = { Labels, Env: [] };
    this.containers.set(Id, {
      Id,
      Name: name,
      Created: this.#created,
      Config,
      State,
      NetworkSettings: { Networks: {} },
    });
    reply(response, 201, { Id });
  }

  #about(call: string, response: http.ServerResponse): void {
    const [, method, idOrName = '', action] = /^(\w+) \/containers\/([^/]+)(?:\/(\w+))?$/.exec(call) ?? [];
    const container =
      this.containers.get(idOrName) ?? [...this.containers.values()].find(({ Name }) => Name === idOrName);
    if (container === undefined) reply(response, 404, { message: `No such container: ${idOrName}` });
    else if (action === 'json') reply(response, 200, { ...container, Name: `/${container.Name}` });
    else if (action === 'logs') response.writeHead(200).end();
    else if (action === 'start') {
      const StartedAt = new Date().toISOString();
      Object.assign(container.State, { Status: 'running', Running: true, StartedAt });
      reply(response, 204);
      this.tell('start', container);
    } else if (action === 'stop') {
      reply(response, 204);
      if (container.State.Running) this.end(container, 143);
    } else if (method === 'DELETE') {
      this.containers.delete(container.Id);
      reply(response, 204);
      this.tell('destroy', container);
    } else reply(response, 404, { message: 'page not found' });
  }
}

function reply(response: http.ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
