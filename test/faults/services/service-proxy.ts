import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** `silent`: what is sent waits and arrives later, as with a program that stands still. */
export type Weather = 'fair' | 'slow' | 'silent' | 'refuses';

export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

const SLOW_MS = 15;

/** A way to a service that can get bad, so that only those who take it suffer. */
export class ServiceProxy {
  readonly #server: net.Server;
  readonly #target: Place;
  readonly #place: Place;
  readonly #open = new Set<net.Socket>();
  #weather: Weather = 'fair';
  #clearsUp = Promise.withResolvers<void>();

  private constructor(server: net.Server, target: Place, place: Place) {
    this.#server = server;
    this.#target = target;
    this.#place = place;
    server.on('connection', (client: net.Socket) => this.#accept(client));
  }

  static async start(target: Place, place: Place): Promise<ServiceProxy> {
    const server = net.createServer({ allowHalfOpen: true });
    server.listen(place);
    await once(server, 'listening');
    return new ServiceProxy(server, target, place);
  }

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    if (weather === 'refuses') this.cut();
    if (weather === 'silent') return;
    this.#clearsUp.resolve();
    this.#clearsUp = Promise.withResolvers();
  }

  /** All connections break; new ones are as the weather is. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.weather = 'refuses';
    if ('path' in this.#place) await rm(this.#place.path, { force: true });
  }

  #accept(client: net.Socket): void {
    if (this.#weather === 'refuses') {
      client.destroy();
      return;
    }
    const service = net.connect({ ...this.#target, allowHalfOpen: true });
    for (const [from, to] of [
      [client, service],
      [service, client],
    ] as const) {
      this.#open.add(from);
      // Whichever broke first, its end is the end of the other.
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#open.delete(from);
        to.destroy();
      });
      void this.#carry(from, to);
    }
  }

  async #carry(from: net.Socket, to: net.Socket): Promise<void> {
    try {
      for await (const chunk of from) {
        while (this.#weather === 'silent') await this.#clearsUp.promise;
        if (this.#weather === 'slow') await delay(SLOW_MS);
        if (!to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      }
      to.end();
    } catch {
      to.destroy(); // a connection that broke: that is what this is for
    }
  }
}
