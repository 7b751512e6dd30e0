import type { DockerApi } from './docker-api.ts';
import { detailOf, statusOf } from './docker-errors.ts';

/** Name of the network that bots get when nothing else is configured; further ones are `the0-bots-2` and so on. */
const OWN_NETWORK = 'the0-bots';
/** A Linux bridge takes 1,023 containers; Docker's own address pools give about 30 networks. */
const MOST_NETWORKS = 24;

export type NetworkCalls = Pick<DockerApi, 'networkId' | 'createNetwork' | 'removeNetwork'>;

/**
 * The network of the bots' containers: one that is configured and must exist, or a bridge of our own on which containers
 * cannot reach each other. Our own is made when it is first needed and found again by its name; when it is full the next
 * one is used, and after the last again the first.
 */
export class BotNetwork {
  readonly #api: NetworkCalls;
  readonly #configured: string | null;
  #index = 0;
  #found: Promise<string> | null = null;

  /** @param configured name of an existing network (`DOCKER_NETWORK`), or null for our own */
  constructor(api: NetworkCalls, configured: string | null) {
    this.#api = api;
    this.#configured = configured;
  }

  /** For `HostConfig.NetworkMode`. */
  async mode(): Promise<string> {
    if (this.#configured !== null) return this.#configured;
    this.#found ??= this.#findOrCreate(this.#index === 0 ? OWN_NETWORK : `${OWN_NETWORK}-${this.#index + 1}`);
    const found = this.#found;
    try {
      return await found;
    } catch (error) {
      if (this.#found === found) this.#found = null;
      throw error;
    }
  }

  /**
   * A start on the network `mode` failed: it may be gone, or full.
   * @returns whether another network is worth a try
   */
  async failed(mode: string, error: unknown): Promise<boolean> {
    if (this.#configured !== null) return false;
    // Of many starts that found the same network full, the first moves on for all.
    const isCurrent = this.#found !== null && (await this.#found.catch(() => null)) === mode;
    const isFull = /exchange full/i.test(detailOf(error));
    if (isCurrent) {
      this.#found = null;
      if (isFull) this.#index = (this.#index + 1) % MOST_NETWORKS;
    }
    return isFull || (statusOf(error) === 404 && /network .*not found/i.test(detailOf(error)));
  }

  /**
   * Two runtimes may do this at the same moment, and Docker allows two networks of one name. So everybody looks again after
   * creating, all take the same one (the older), and who made the other removes it.
   */
  async #findOrCreate(name: string): Promise<string> {
    const existing = await this.#api.networkId(name);
    if (existing !== null) return existing;
    const created = await this.#create(name);
    const agreed = (await this.#api.networkId(name)) ?? created;
    if (agreed === null) throw new Error(`the network ${name} was removed while it was being made`);
    if (created !== null && created !== agreed) await this.#api.removeNetwork(created);
    return agreed;
  }

  async #create(name: string): Promise<string | null> {
    try {
      return await this.#api.createNetwork({
        Name: name,
        Driver: 'bridge',
        CheckDuplicate: true,
        Options: { 'com.docker.network.bridge.enable_icc': 'false' },
        Labels: { 'the0.format': '1', 'the0.role': 'network' },
      });
    } catch (error) {
      if (statusOf(error) === 409) return null;
      throw error;
    }
  }
}
