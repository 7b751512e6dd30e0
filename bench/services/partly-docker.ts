import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';

/** Where no container of the real engine is. */
const NETWORK = 'the0-stand-in';

const created = v.object({ Labels: v.record(v.string(), v.string()) });
const summaries = v.array(v.unknown());

/** A container that only exists on paper. */
interface PaperContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  startedAt: string | null;
}

/**
 * Docker's API on a socket of its own, before the real engine: containers of some bots are only noted down, so that a runtime has
 * them and this machine has not. They start when they are told to, run for ever, and are in the lists; everything else is
 * passed on.
 */
export class PartlyDocker {
  readonly #server: http.Server;
  readonly #folder: string;
  readonly #isPaper: (botId: string) => boolean;
  /** By id and by name. */
  readonly #containers = new Map<string, PaperContainer>();
  readonly #engineSocket = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');

  private constructor(folder: string, isPaper: (botId: string) => boolean) {
    this.#folder = folder;
    this.#isPaper = isPaper;
    this.#server = http.createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    });
  }

  /** @param isPaper bots whose containers are only noted down */
  static async listen(isPaper: (botId: string) => boolean): Promise<PartlyDocker> {
    const folder = await mkdtemp(join(tmpdir(), 'the0-partly-docker-'));
    const made = new PartlyDocker(folder, isPaper);
    made.#server.listen(join(folder, 'docker.sock'));
    await once(made.#server, 'listening');
    return made;
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${join(this.#folder, 'docker.sock')}`;
  }

  /** How many of its own run. */
  get running(): number {
    return this.#all().filter(({ startedAt }) => startedAt !== null).length;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://docker');
    const path = pathname.replace(/^\/v[\d.]+/, '');
    const [, id = '', verb = ''] = /^\/containers\/([^/]+)(?:\/(.*))?$/.exec(path) ?? [];
    if (path === '/containers/create') return await this.#create(request, response, searchParams.get('name') ?? '');
    const container = this.#containers.get(id);
    if (container !== undefined) return this.#ofPaper(container, `${request.method} ${verb}`, response);
    if (path === '/containers/json') return await this.#list(request, response);
    this.#pass(request, response, request);
  }

  #all(): PaperContainer[] {
    return [...new Set(this.#containers.values())];
  }

  async #create(request: http.IncomingMessage, response: http.ServerResponse, name: string): Promise<void> {
    const body = await buffer(request);
    const { Labels: labels } = v.parse(created, JSON.parse(body.toString('utf8')));
    if (!this.#isPaper(labels['runtime.id'] ?? '')) return this.#pass(request, response, body);
    const id = createHash('sha256').update(name).digest('hex');
    const nth = this.#containers.size;
    const address = `198.18.${Math.trunc(nth / 250)}.${(nth % 250) + 1}`;
    const container = { id, name, labels, address, startedAt: null };
    this.#containers.set(id, container);
    this.#containers.set(name, container);
    json(response, 201, { Id: id, Warnings: [] });
  }

  #ofPaper(container: PaperContainer, call: string, response: http.ServerResponse): void {
    switch (call) {
      case 'POST start':
        container.startedAt = new Date().toISOString();
        response.writeHead(204).end();
        return;
      case 'GET json':
        json(response, 200, inspectionOf(container));
        return;
      default:
        json(response, 501, { message: `a container on paper cannot be asked to ${call}` });
    }
  }

  async #list(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const answer = await this.#ask(request);
    const real = v.parse(summaries, JSON.parse((await buffer(answer)).toString('utf8')));
    json(response, answer.statusCode ?? 200, [...real, ...this.#all().map(summaryOf)]);
  }

  async #ask(request: http.IncomingMessage): Promise<http.IncomingMessage> {
    const { method, headers, url: path } = request;
    const asked = http.request({ socketPath: this.#engineSocket, method, headers, path }).end();
    const [answer] = v.parse(v.tuple([v.instance(http.IncomingMessage)]), await once(asked, 'response'));
    return answer;
  }

  #pass(request: http.IncomingMessage, response: http.ServerResponse, body: Buffer | http.IncomingMessage): void {
    const { method, headers, url: path } = request;
    const asked = http.request({ socketPath: this.#engineSocket, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      // An event stream has to be known as one before its first event.
      response.flushHeaders();
      answer.pipe(response);
    });
    asked.on('error', (error) => response.destroy(error));
    response.on('close', () => asked.destroy());
    if (Buffer.isBuffer(body)) asked.end(body);
    else body.pipe(asked);
  }
}

function json(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function networksOf({ address }: PaperContainer) {
  return { Networks: { [NETWORK]: { IPAddress: address } } };
}

function inspectionOf(container: PaperContainer) {
  const { id, name, labels, startedAt } = container;
  return {
    Id: id,
    Name: `/${name}`,
    Config: { Labels: labels, Env: [] },
    State: {
      Status: startedAt === null ? 'created' : 'running',
      Running: startedAt !== null,
      OOMKilled: false,
      ExitCode: 0,
      StartedAt: startedAt ?? '0001-01-01T00:00:00Z',
      FinishedAt: '0001-01-01T00:00:00Z',
    },
    NetworkSettings: networksOf(container),
  };
}

function summaryOf(container: PaperContainer) {
  const { id, name, labels, startedAt } = container;
  return {
    Id: id,
    Names: [`/${name}`],
    Labels: labels,
    State: startedAt === null ? 'created' : 'running',
    Status: '',
    Created: 0,
    NetworkSettings: networksOf(container),
  };
}
