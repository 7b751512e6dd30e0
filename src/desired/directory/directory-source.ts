import type { BotDefinition } from '../bot-definition.ts';
import { unknownBot, withProblem } from '../described-bot.ts';
import type { DesiredState, DesiredStateListener } from '../desired-state.ts';
import { ToldTroubles } from '../told-troubles.ts';
import { BotFolder, type BotFolderOptions } from './bot-folder.ts';
import { BOT_JSON, type ParsedBotJson } from './bot-json.ts';
import { BotsFolderError, copiesNotRemoved, notWatched } from './bots-folder-error.ts';
import { BotsRoot } from './bots-root.ts';
import { Catalogue } from './catalogue.ts';
import { CodeInMotion } from './code-listing.ts';
import { FolderQueue } from './folder-queue.ts';
import { FolderWatcher } from './folder-watcher.ts';
import { IgnoredEntries } from './ignored-entries.ts';

export interface DirectorySourceOptions extends BotFolderOptions {
  /** The bots folder. */
  readonly directory: string;
  /** A bot folder must be quiet this long (at least 120 ms) before its change counts … */
  readonly settleMs: number;
  /** … but is looked at after this long in any case. */
  readonly settleAtMostMs: number;
  /** How often everything is looked at without an event, as a safety net. */
  readonly resyncMs: number;
  /** How often it is checked that the bots folder is still there. */
  readonly rootCheckMs: number;
  /** When to try again what failed for a reason outside of the folder (a full disk). */
  readonly retryMs: number;
  /** A folder that never settles is looked at this often before that is its problem. */
  readonly unsettledLooks: number;
  /** Folders read at the same time. */
  readonly readsAtOnce: number;
  /** Older copies of a bot's code that are kept beside the current one. */
  readonly spareRevisions: number;
}

/**
 * Desired state from a folder with one folder per bot.
 *
 *   event ─► settle ─► queue ─► look: bot.json ─► claims ─► code copied ─► definition ─► publish: what differs is delivered
 *                       ▲
 *   resync, retry ──────┘
 *
 * Level-based: a look never knows why it was asked for, and `publish` compares what there is with what was delivered.
 */
export function createDirectorySource(options: DirectorySourceOptions): DesiredState {
  return new DirectorySource(options);
}

class DirectorySource implements DesiredState {
  readonly #options: DirectorySourceOptions;
  readonly #root: BotsRoot;
  readonly #queue: FolderQueue;
  readonly #folders = new Map<string, BotFolder>();
  readonly #catalogue = new Catalogue();
  /** Folders whose code changed while it was read, and how often in a row. */
  readonly #inMotion = new Map<string, number>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  readonly #troubles = new ToldTroubles(
    (error) => this.#listener?.trouble(error),
    (error) => this.#listener?.troubleOver(error),
  );
  readonly #ignored: IgnoredEntries;
  readonly #timers: NodeJS.Timeout[] = [];
  #watcher: FolderWatcher;
  #listener: DesiredStateListener | null = null;
  #rootLook: Promise<boolean> | null = null;
  /** The bots folder went; even if the same comes back, the watch on it does not. */
  #watchBroken = false;
  #ready = false;

  constructor(options: DirectorySourceOptions) {
    this.#options = options;
    this.#root = new BotsRoot(options.directory);
    this.#ignored = new IgnoredEntries(options.directory);
    this.#queue = new FolderQueue(options.readsAtOnce, (folder) => this.#look(folder));
    this.#watcher = this.#newWatcher();
  }

  get ignored(): ReadonlyMap<string, string> {
    return this.#ignored.sentences;
  }

  async start(listener: DesiredStateListener): Promise<void> {
    const root = await this.#root.look();
    if (root instanceof BotsFolderError) throw root;
    this.#listener = listener;
    await this.#watcher.start();
    const folders = await this.#list();
    this.#catalogue.begin(await this.#readIds(folders));
    await Promise.all(folders.map((folder) => this.#queue.add(folder)));
    this.#ready = true;
    this.#publish();
    await this.#removeStaleCopies();
    this.#listener?.synced();
    this.#timers.push(setInterval(() => void this.#resync(), this.#options.resyncMs));
    this.#timers.push(setInterval(() => void this.#rootIsThere(), this.#options.rootCheckMs));
  }

  async close(): Promise<void> {
    this.#listener = null;
    for (const timer of this.#timers) clearInterval(timer);
    for (const timer of this.#retries.values()) clearTimeout(timer);
    await this.#rootLook;
    await this.#watcher.close();
    await this.#queue.close();
    for (const timer of this.#retries.values()) clearTimeout(timer);
  }

  #newWatcher(): FolderWatcher {
    return new FolderWatcher({
      ...this.#options,
      settled: (folder) => void this.#queue.add(folder),
      rootChanged: () => {
        this.#watchBroken = true;
        void this.#rootIsThere();
      },
      failed: (error) => this.#troubles.tell('watch', notWatched(this.#options.directory, error)),
    });
  }

  async #list(): Promise<string[]> {
    const { folders, links, isBot } = await this.#root.list();
    this.#ignored.links(links);
    this.#ignored.isBotItself(isBot);
    return folders.sort();
  }

  async #readIds(folders: readonly string[]): Promise<Map<string, string | null>> {
    const ids = new Map<string, string | null>();
    for (const folder of folders) {
      const parsed = await this.#folder(folder).readBotJson();
      if (parsed !== null) ids.set(folder, parsed.id);
    }
    return ids;
  }

  /** A bot whose folder is gone may be in a new one that was not looked at yet: a rename must not stop it. */
  async #findRenamed(): Promise<void> {
    const unknown = (await this.#list()).filter((folder) => !this.#catalogue.has(folder));
    for (const [folder, id] of await this.#readIds(unknown)) {
      this.#lookAgain([folder, ...this.#catalogue.want(folder, id)]);
    }
  }

  /** One look at one folder; everything that can be wrong with it ends up in its definition. */
  async #look(name: string): Promise<void> {
    try {
      const folder = this.#folder(name);
      const parsed = await folder.readBotJson();
      if (this.#listener === null) return;
      if (parsed === null) {
        if (!(await this.#rootIsThere())) return;
        if (this.#catalogue.has(name)) await this.#findRenamed();
        this.#folders.delete(name);
        this.#lookAgain(this.#catalogue.forget(name));
        if (await folder.isThere()) this.#ignored.withoutBotJson(name);
        else this.#ignored.forget(name);
      } else {
        this.#ignored.forget(name);
        this.#lookAgain(this.#catalogue.want(name, parsed.id));
        const definition = await this.#define(folder, parsed);
        this.#catalogue.define(name, definition);
        this.#retryLater(name, definition);
      }
      this.#inMotion.delete(name);
      this.#publish();
      this.#troubles.mended(`folder ${name}`);
    } catch (error) {
      if (error instanceof CodeInMotion) this.#watcher.touch(name);
      else this.#troubles.tell(`folder ${name}`, asError(error));
    }
  }

  async #define(folder: BotFolder, parsed: ParsedBotJson): Promise<BotDefinition> {
    const shownAs = this.#catalogue.shownAs(folder.name);
    if (parsed.bot === null) return withProblem(unknownBot(shownAs), parsed.problem);
    const owner = this.#catalogue.ownerOf(parsed.id);
    if (owner !== folder.name) {
      const facts = { path: `${folder.name}/${BOT_JSON}`, id: parsed.id, other: `${owner ?? ''}/${BOT_JSON}` };
      return withProblem({ ...parsed.bot, id: shownAs }, { code: 'spec-duplicate', facts });
    }
    try {
      return await folder.define(parsed.bot);
    } catch (error) {
      if (!(error instanceof CodeInMotion)) throw error;
      const times = (this.#inMotion.get(folder.name) ?? 0) + 1;
      this.#inMotion.set(folder.name, times);
      if (times < this.#options.unsettledLooks) throw error;
      const facts = {
        path: folder.name,
        detail: 'it keeps changing while it is read; does the bot write into its own folder?',
      };
      return withProblem(parsed.bot, { code: 'code-unreadable', facts });
    }
  }

  #publish(): void {
    if (!this.#ready || this.#listener === null) return;
    for (const definition of this.#catalogue.publish(this.#listener)) {
      if (definition.problem === null) void this.#prune(definition);
    }
  }

  #lookAgain(folders: readonly string[]): void {
    for (const folder of folders) void this.#queue.add(folder);
  }

  /** A full disk or a missing permission sends no event when it is mended. */
  #retryLater(folder: string, { problem }: BotDefinition): void {
    clearTimeout(this.#retries.get(folder));
    this.#retries.delete(folder);
    const mayMendItself = problem?.code === 'code-unreadable' || problem?.code === 'spec-unreadable';
    if (!mayMendItself || this.#listener === null) return;
    this.#retries.set(
      folder,
      setTimeout(() => void this.#queue.add(folder), this.#options.retryMs),
    );
  }

  async #resync(): Promise<void> {
    if (!(await this.#rootIsThere())) return;
    await this.#lookAtAll();
  }

  async #lookAtAll(): Promise<void> {
    try {
      const folders = new Set([...(await this.#list()), ...this.#folders.keys()]);
      await Promise.all([...folders].map((folder) => this.#queue.add(folder)));
      this.#troubles.mended('listing');
    } catch (error) {
      this.#troubles.tell('listing', asError(error));
    }
  }

  /** @returns whether what is missing in the bots folder is really gone */
  #rootIsThere(): Promise<boolean> {
    this.#rootLook ??= this.#lookAtRoot().finally(() => {
      this.#rootLook = null;
    });
    return this.#rootLook;
  }

  async #lookAtRoot(): Promise<boolean> {
    const found = await this.#root.look();
    if (this.#listener === null) return false;
    if (found instanceof BotsFolderError) {
      this.#watchBroken = true;
      this.#troubles.tell(`root ${found.code}`, found);
      return false;
    }
    this.#troubles.onlyThese('root ', new Set());
    if (found === 'same' && !this.#watchBroken) return true;
    this.#watchBroken = false;
    this.#troubles.mended('watch');
    await this.#watcher.close();
    this.#watcher = this.#newWatcher();
    await this.#watcher.start();
    void this.#lookAtAll();
    return true;
  }

  async #prune({ id, specRevision }: BotDefinition): Promise<void> {
    try {
      await this.#options.codeCopies.prune(id, specRevision, this.#options.spareRevisions);
      this.#troubles.mended('copies');
    } catch (error) {
      this.#troubles.tell('copies', copiesNotRemoved(error));
    }
  }

  async #removeStaleCopies(): Promise<void> {
    try {
      await this.#options.codeCopies.keepOnly((botId) => this.#catalogue.hasId(botId));
    } catch (error) {
      this.#troubles.tell('copies', copiesNotRemoved(error));
    }
  }

  #folder(name: string): BotFolder {
    const known = this.#folders.get(name);
    if (known !== undefined) return known;
    const folder = new BotFolder(this.#options.directory, name, this.#options);
    this.#folders.set(name, folder);
    return folder;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
