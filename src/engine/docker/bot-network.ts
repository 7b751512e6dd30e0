import type { DockerApi } from './docker-api.ts';
import { statusOf } from './docker-errors.ts';

/** Name of the network that bots get when nothing else is configured. */
export const OWN_NETWORK = 'the0-bots';

/**
 * The network of the bots' containers: one that is configured and must exist, or our own bridge on which containers cannot
 * reach each other. Our own is made when it is first needed and found again by its name.
 */
export class BotNetwork {
  readonly #api: DockerApi;
  readonly #configured: string | null;
  #found: Promise<string> | null = null;

  /** @param configured name of an existing network (`DOCKER_NETWORK`), or null for our own */
  constructor(api: DockerApi, configured: string | null) {
    this.#api = api;
    this.#configured = configured;
  }

  /** For `HostConfig.NetworkMode`. */
  async mode(): Promise<string> {
    if (this.#configured !== null) return this.#configured;
    this.#found ??= this.#findOrCreate().catch((error: unknown) => {
      this.#found = null;
      throw error;
    });
    return await this.#found;
  }

  /** A start failed: the network may have been removed by hand. */
  forget(): void {
    this.#found = null;
  }

  /**
   * Two runtimes may do this at the same moment, and Docker allows two networks of one name. So everybody looks again after
   * creating, all take the same one (the older), and who made the other removes it.
   */
  async #findOrCreate(): Promise<string> {
    const existing = await this.#api.networkId(OWN_NETWORK);
    if (existing !== null) return existing;
    const created = await this.#create();
    const agreed = (await this.#api.networkId(OWN_NETWORK)) ?? created;
    if (agreed === null) throw new Error(`the network ${OWN_NETWORK} was removed while it was being made`);
    if (created !== null && created !== agreed) await this.#api.removeNetwork(created);
    return agreed;
  }

  async #create(): Promise<string | null> {
    try {
      return await this.#api.createNetwork({
        Name: OWN_NETWORK,
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
