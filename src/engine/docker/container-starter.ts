import type { BotDefinition } from '../../desired/bot-definition.ts';
import { isStored } from '../bot-environment.ts';
import { EngineError, type StartRequest } from '../container-engine.ts';
import { type ContainerTemplate, containerOptions, type KeyedTemplate, withKeysFor } from './bot-container.ts';
import { prepareDirectories } from './bot-directories.ts';
import type { BotImage } from './bot-image.ts';
import type { BotNetwork } from './bot-network.ts';
import { readLabels } from './container-labels.ts';
import type { ContainerLedger } from './container-ledger.ts';
import { containerName } from './container-name.ts';
import { viewOfInspection } from './container-view.ts';
import type { ContainerInspection, DockerApi } from './docker-api.ts';
import { detailOf, isUnreachable, statusOf } from './docker-errors.ts';
import { type GoContainers, isGo } from './go-containers.ts';
import { refuseBesideGoRun } from './go-runs.ts';
import { clearTerminationLog } from './termination-log.ts';
import { TrackedContainer } from './tracked-container.ts';

/** The first conflict is cleared away; a second one means that somebody else keeps making this container. */
const MOST_ATTEMPTS = 2;

/** Starts of one bot on one network after the other, when networks are full or gone. */
const MOST_NETWORK_ATTEMPTS = 4;

type CreateOptions = ReturnType<typeof containerOptions>;

export interface StarterParts {
  readonly api: DockerApi;
  readonly ledger: ContainerLedger;
  readonly template: ContainerTemplate;
  readonly image: BotImage;
  readonly network: BotNetwork;
  readonly shapeRevisionOf: (definition: BotDefinition) => string;
  /** Null: containers of the Go runtime are nobody's business here. */
  readonly go: GoContainers | null;
  /** Whether the Go runtime may have left a run of a scheduled bot under way. */
  readonly besideGoRuns: boolean;
}

/**
 * Brings a bot's container to run, at most one per bot.
 *
 *     in place?  ── start it again ──► runs
 *        │ gone, of another revision or shape, or Docker refuses
 *        ▼
 *     create ──► start ──► runs          (a start that fails removes what was created; keys of its own to the object
 *        │ name taken                       store are made while it is created, and a start waits for them)
 *        ▼
 *     look at the holder: same revision and running ► take it · ours ► remove, create once more · foreign ► `name-taken`
 *
 * Docker may carry out a start that was given up, by this runtime or by one that was killed. So what was created for a run
 * is removed only as long as it has not begun; if it has, it is this run.
 */
export class ContainerStarter {
  readonly #parts: StarterParts;

  constructor(parts: StarterParts) {
    this.#parts = parts;
  }

  /** @returns the container that runs the bot now; what state it is in is for the caller to look at */
  async start(request: StartRequest): Promise<TrackedContainer> {
    const { definition, incarnation, inPlace } = request;
    const again = inPlace === null ? null : await this.#startInPlace(inPlace, definition, incarnation);
    return again ?? (await this.#startNew(request));
  }

  /** Ends and removes a container of ours; its last events are no news to anybody. */
  async remove(containerId: string): Promise<void> {
    const { api, ledger } = this.#parts;
    ledger.markRemoved(containerId);
    try {
      await api.remove(containerId);
    } catch (error) {
      ledger.unmarkRemoved(containerId);
      throw error;
    }
    const container = ledger.get(containerId);
    if (container !== undefined) ledger.forget(container);
  }

  /** Removes what was created for a run. @returns false when the run has begun, be it over or not: then it is left as it is */
  async removeUnbegun(containerId: string): Promise<boolean> {
    const { api, ledger } = this.#parts;
    const inspection = await api.inspect(containerId);
    if (inspection !== null && viewOfInspection(inspection).startedAt > 0) return false;
    ledger.markRemoved(containerId);
    let isGone = false;
    try {
      isGone = await api.removeUnlessRunning(containerId);
    } finally {
      if (!isGone) ledger.unmarkRemoved(containerId);
    }
    const container = ledger.get(containerId);
    if (isGone && container !== undefined) ledger.forget(container);
    return isGone;
  }

  /** @returns null when a new container is needed instead; the old one is gone then, or removed by its name's conflict */
  async #startInPlace(
    containerId: string,
    definition: BotDefinition,
    incarnation: number,
  ): Promise<TrackedContainer | null> {
    const { api, ledger, template } = this.#parts;
    const container = ledger.get(containerId);
    const { botId, specRevision } = container?.identity ?? {};
    if (container === undefined || botId !== definition.id || specRevision !== definition.specRevision) return null;
    // It would run with limits or credentials of before, perhaps for ever; the new one takes its name away from it.
    if (container.identity.shapeRevision !== this.#parts.shapeRevisionOf(definition)) return null;
    // Keys that the store refuses are refused the next time, too.
    if (template.credentials !== undefined && (await container.exit)?.lastWords?.code === 'store-denied') return null;
    // A crash is answered within a few milliseconds, and a file is not deleted in that time while Docker is busy: what the
    // run before left is known by its version.
    if (container.terminationLog === null) await this.#clearTerminationLog(definition);
    container.expectStart(incarnation);
    try {
      if ((await api.start(containerId)) !== 'absent') return container;
      ledger.forget(container);
    } catch (error) {
      container.startFailed();
      if (isUnreachable(error)) throw error;
      // What keeps this container from starting (its network or a directory is gone) may not keep a new one from it.
      await this.remove(containerId);
    }
    return null;
  }

  async #startNew(request: StartRequest): Promise<TrackedContainer> {
    const { definition, occurrence } = request;
    const { api, image, template, go, besideGoRuns } = this.#parts;
    const shapeRevision = this.#parts.shapeRevisionOf(definition);
    if (besideGoRuns && definition.kind === 'scheduled') await refuseBesideGoRun(api, definition);
    await image.ensure();
    if (template.directories !== null && !isStored(definition)) {
      await prepareDirectories(template.directories, definition);
    }
    // A run that was begun already left its words there.
    const begun = occurrence === undefined ? null : await this.#clearName(request);
    if (begun !== null) return begun;
    await this.#clearTerminationLog(definition);
    const adopted = (await go?.makeWay(definition)) ?? null;
    if (adopted !== null) return adopted;
    // New keys end those of a container that runs, so whoever has the name is looked at before they are made.
    const isKnown = this.#parts.ledger.ofBot(definition.id) !== undefined;
    // So is one that is known all the same: renamed by hand, it would not keep a second one from being made.
    const running = template.credentials !== undefined || isKnown ? await this.#clearName(request) : null;
    if (running !== null) return running;
    const keyed = await withKeysFor(template, definition, 'bot');
    try {
      return await this.#createAndStart(keyed, request, shapeRevision);
    } finally {
      // Whatever came of it: the next keys of this bot are to be made after these.
      await keyed.usable?.catch(() => {});
    }
  }

  /** Docker creates the container while the store makes its keys. */
  async #createAndStart(keyed: KeyedTemplate, request: StartRequest, shapeRevision: string): Promise<TrackedContainer> {
    const { definition, incarnation, occurrence } = request;
    const { api, network } = this.#parts;
    const ofRun = occurrence === undefined ? {} : { occurrence };
    for (let attempt = 1; ; attempt++) {
      const networkMode = await network.mode();
      const options = containerOptions(keyed, definition, { incarnation, networkMode, shapeRevision, ...ofRun });
      let created: TrackedContainer | null = null;
      try {
        const { container, runs } = await this.#createOrTake(options, request);
        if (runs) return container;
        created = container;
        await keyed.usable;
        if ((await api.start(container.id)) !== 'absent') return container;
        throw new Error('the container was removed while it was started');
      } catch (error) {
        if (created !== null && (await this.#hasBegun(created))) return created;
        if (!(await network.failed(networkMode, error)) || attempt === MOST_NETWORK_ATTEMPTS) throw error;
      }
    }
  }

  /**
   * After a start that failed, as far as is known: has a run begun all the same? If not, what was created is removed, for it
   * would keep the bot's name. If even that fails, the next start clears it away.
   */
  async #hasBegun(container: TrackedContainer): Promise<boolean> {
    try {
      if (container.identity.occurrence !== undefined) return !(await this.removeUnbegun(container.id));
      await this.remove(container.id);
    } catch {
      this.#parts.ledger.forget(container);
    }
    return false;
  }

  async #createOrTake(
    options: CreateOptions,
    request: StartRequest,
  ): Promise<{ container: TrackedContainer; runs: boolean }> {
    for (let attempt = 1; ; attempt++) {
      try {
        return { container: await this.#create(options), runs: false };
      } catch (error) {
        if (statusOf(error) !== 409 || attempt === MOST_ATTEMPTS) throw error;
      }
      const running = await this.#clearName(request);
      if (running !== null) return { container: running, runs: true };
    }
  }

  async #create(options: CreateOptions): Promise<TrackedContainer> {
    const { api, image, ledger, template } = this.#parts;
    try {
      const id = await api.create(options);
      const identity = readLabels(options.Labels ?? {}, template);
      if (typeof identity === 'string') throw new Error(`labels of our own are ${identity}`);
      const container = new TrackedContainer(id, identity);
      ledger.touch(container);
      return container;
    } catch (error) {
      if (statusOf(error) !== 404 || !/no such image/i.test(detailOf(error))) throw error;
      image.forget();
      throw image.missing();
    }
  }

  /** The bot's name may be taken, or its container may have another name by now: whose is it? See `#clear`. */
  async #clearName(request: StartRequest): Promise<TrackedContainer | null> {
    const name = containerName(request.definition.id);
    const known = this.#parts.ledger.ofBot(request.definition.id);
    if (known !== undefined && !isGo(known.identity)) {
      const running = await this.#clear(known.id, request);
      if (running !== null) return running;
    }
    return await this.#clear(name, request);
  }

  /**
   * @returns the holder when it is this bot's, of this revision, and runs, or when it is this very run, ended or not; null when
   * the name is free now
   * @throws EngineError `name-taken`
   */
  async #clear(idOrName: string, { definition, occurrence }: StartRequest): Promise<TrackedContainer | null> {
    const { api, ledger, template } = this.#parts;
    const holder = await api.inspect(idOrName);
    if (holder === null) return null;
    const identity = readLabels(holder.Config.Labels, template);
    if (typeof identity === 'string') throw nameTaken(definition.id, holder, identity);
    const known = ledger.get(holder.Id) ?? new TrackedContainer(holder.Id, identity);
    if (occurrence !== undefined && identity.occurrence === occurrence) {
      return (await this.removeUnbegun(holder.Id)) ? null : known;
    }
    const isTheSame =
      occurrence === undefined &&
      identity.occurrence === undefined &&
      identity.specRevision === definition.specRevision;
    if (isTheSame && holder.State.Running) return known;
    await this.remove(holder.Id);
    return null;
  }

  async #clearTerminationLog(definition: BotDefinition): Promise<void> {
    const { directories } = this.#parts.template;
    if (directories !== null && !isStored(definition)) await clearTerminationLog(directories.logsDirOf(definition.id));
  }
}

function nameTaken(botId: string, holder: ContainerInspection, whose: 'foreign' | 'newer-format'): EngineError {
  const name = containerName(botId);
  const containerId = holder.Id.slice(0, 12);
  const instance = holder.Config.Labels['the0.instance'];
  const owner =
    whose === 'newer-format'
      ? 'a newer version of this runtime'
      : instance === undefined
        ? 'somebody else'
        : `the runtime with the id ${instance}`;
  return new EngineError(
    { code: 'name-taken', facts: { containerId, owner } },
    `Bot ${botId} cannot be started: the container ${containerId} of ${owner} has the name ${name}. ` +
      `Only one copy of a bot may run on an engine: end that one ("docker rm -f ${name}") or give this bot another id.`,
  );
}
