import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeContainersOf } from '../../services/docker.ts';
import { type BotFiles, writeBot, writeWhole } from '../bot-folders.ts';
import {
  type Answer,
  makeFolders,
  poll,
  type RuntimeFolders,
  type RuntimeUnderTest,
  removeFolders,
  type StartOptions,
  startRuntime,
} from '../runtime-under-test.ts';
import type { Engine } from './bad-luck.ts';
import type { Host } from './host.ts';
import { uniqueId } from './unique-id.ts';
import { Witnesses } from './witnesses.ts';

/** Where one bad luck happens, and what must be cleaned up after it. */
export class Scene {
  readonly engine: Engine;
  readonly host: Host;
  /** The shared runtime. */
  readonly runtime: RuntimeUnderTest;
  readonly witnesses: Witnesses;
  readonly #shared: Map<string, Promise<string>>;
  readonly #cleanUps: (() => Promise<void>)[] = [];

  constructor(shared: {
    readonly host: Host;
    readonly runtime: RuntimeUnderTest;
    readonly witnesses: Witnesses;
    readonly sharedBots: Map<string, Promise<string>>;
  }) {
    this.engine = shared.runtime.engine;
    this.host = shared.host;
    this.runtime = shared.runtime;
    this.witnesses = shared.witnesses;
    this.#shared = shared.sharedBots;
  }

  /** Adds a bot to the shared runtime, for the time of the row. @returns its id */
  async addBot(name: string, bot: Omit<BotFiles, 'id'>): Promise<string> {
    const id = uniqueId(name);
    await writeBot(this.runtime.botsDir, { ...bot, id });
    // What goes on crashing would slow down the rows that follow.
    this.after(() => this.removeBot(id));
    return id;
  }

  /** A folder among the shared runtime's bots, with a `bot.json` just as given. @returns its name */
  async addFolder(name: string, botJson: string, files: BotFiles['files'] = {}): Promise<string> {
    const folder = uniqueId(name);
    await mkdir(join(this.runtime.botsDir, folder));
    for (const [file, content] of Object.entries(files)) {
      await writeFile(join(this.runtime.botsDir, folder, file), content);
    }
    await writeWhole(join(this.runtime.botsDir, folder, 'bot.json'), botJson);
    return folder;
  }

  /** A bot that several rows use; added by the first. @returns its id, when it answers */
  sharedBot(name: string, bot: Omit<BotFiles, 'id'>, path: string): Promise<string> {
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const id = uniqueId(name);
    const added = writeBot(this.runtime.botsDir, { ...bot, id }).then(async () => {
      await this.runtime.until(id, 'runs', ({ state }) => state === 'running');
      await this.answers(id, path);
      return id;
    });
    this.#shared.set(name, added);
    return added;
  }

  /** Waits until a bot's query server answers. */
  async answers(id: string, path: string, runtime = this.runtime): Promise<void> {
    let last: Answer | undefined;
    await poll(
      `${id} to answer ${path}`,
      async () => {
        last = await runtime.ask(id, path, {}, 5);
        return last.body.status === 'ok' || undefined;
      },
      60_000,
      100,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; its last answer: ${JSON.stringify(last)}`);
    });
  }

  async removeBot(id: string): Promise<void> {
    await rm(join(this.runtime.botsDir, id), { recursive: true, force: true });
  }

  /** Run in reverse order when the row is over, however it ended. */
  after(cleanUp: () => Promise<void>): void {
    this.#cleanUps.push(cleanUp);
  }

  /** Folders for a runtime of the row's own. */
  async folders(): Promise<RuntimeFolders> {
    const folders = await makeFolders();
    this.after(async () => {
      if (this.engine === 'docker') await removeContainersIn(folders);
      await removeFolders(folders);
    });
    return folders;
  }

  /** A runtime of the row's own, ended with the row. */
  async ownRuntime(options: Partial<StartOptions> & Pick<StartOptions, 'folders'>): Promise<RuntimeUnderTest> {
    const runtime = await startRuntime({ engine: this.engine, ...options });
    this.after(async () => void (await runtime.end('SIGINT')));
    return runtime;
  }

  /** Witnesses in a runtime of the row's own. */
  async ownWitnesses(runtime: RuntimeUnderTest): Promise<Witnesses> {
    const witnesses = await Witnesses.settle(runtime, this.host);
    this.after(() => witnesses.leave());
    return witnesses;
  }

  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#cleanUps.splice(0).reverse()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the row could not be cleaned up');
  }
}

/** Ends what containers the runtime with these folders left. */
export async function removeContainersIn({ dataDir }: RuntimeFolders): Promise<void> {
  const text = await readFile(join(dataDir, 'format.json'), 'utf8').catch(() => null);
  if (text === null) return;
  const format: unknown = JSON.parse(text);
  if (typeof format !== 'object' || format === null || !('instance' in format)) return;
  await removeContainersOf(String(format.instance));
}
