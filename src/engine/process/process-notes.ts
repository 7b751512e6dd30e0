/**
 * Notes about live processes, one pair of small files per bot in `<data>/run/`:
 *
 *   <botId>.json          by the engine: {"format":1,"botId":…,"agent":{pid,startTime}}
 *   <botId>.groups.json   by the agent:  {"format":1,"bot":{pid,startTime}|null,"query":{pid,startTime}|null}
 *
 * With them whoever comes after a killed agent or a killed runtime finds what it left running, and nothing else.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { ProcessIdentity } from '../../agent/process-identity.ts';
import { errnoOf } from '../../errno.ts';

export const NOTES_FORMAT = 1;

const identitySchema = v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(2)), startTime: v.string() });
const formatSchema = v.object({ format: v.number() });
const engineNotesSchema = v.object({ format: v.literal(NOTES_FORMAT), botId: v.string(), agent: identitySchema });
const groupsSchema = v.object({
  format: v.literal(NOTES_FORMAT),
  bot: v.nullable(identitySchema),
  query: v.nullable(identitySchema),
});

const GROUPS_SUFFIX = '.groups.json';
const ENGINE_SUFFIX = '.json';

export class NewerNotes extends Error {
  readonly code = 'newer-format';
  constructor(path: string, format: number) {
    super(
      `${path} was written by a newer version (format ${format}, this one knows ${NOTES_FORMAT}); ` +
        'stop that version with its own "down", or remove the file when no bot process of it is left',
    );
    this.name = 'NewerNotes';
  }
}

export class ProcessNotes {
  readonly #directory: string;

  constructor(runDirectory: string) {
    this.#directory = runDirectory;
  }

  /** Where the agent of this bot keeps its own notes (THE0_PROCESS_NOTES). */
  groupsFile(botId: string): string {
    return join(this.#directory, `${botId}${GROUPS_SUFFIX}`);
  }

  async write(botId: string, agent: ProcessIdentity): Promise<void> {
    const path = this.#engineFile(botId);
    const temporary = `${path}.${process.pid}.tmp`;
    // Somebody may have cleaned up the data directory; no bot runs without its notes.
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeFile(temporary, `${JSON.stringify({ format: NOTES_FORMAT, botId, agent })}\n`, { mode: 0o600 });
    await rename(temporary, path);
  }

  async remove(botId: string): Promise<void> {
    await rm(this.#engineFile(botId), { force: true });
    await rm(this.groupsFile(botId), { force: true });
  }

  /** Bots about which there are notes of either kind. */
  async bots(): Promise<string[]> {
    const names = await readdir(this.#directory);
    const bots = names.flatMap((name) => {
      const suffix = [GROUPS_SUFFIX, ENGINE_SUFFIX].find((ending) => name.endsWith(ending));
      const botId = suffix === undefined ? null : name.slice(0, -suffix.length);
      // Ids have no dots: it is a note of another kind.
      return botId === null || botId.includes('.') ? [] : [botId];
    });
    return [...new Set(bots)].sort();
  }

  /** @throws NewerNotes */
  async agentOf(botId: string): Promise<ProcessIdentity | null> {
    return (await readNotes(this.#engineFile(botId), engineNotesSchema))?.agent ?? null;
  }

  /** Leaders of the process groups the agent noted: the bot's and its query server's. @throws NewerNotes */
  async groupsOf(botId: string): Promise<ProcessIdentity[]> {
    const notes = await readNotes(this.groupsFile(botId), groupsSchema);
    return notes === null ? [] : [notes.bot, notes.query].filter((leader) => leader !== null);
  }

  #engineFile(botId: string): string {
    return join(this.#directory, `${botId}${ENGINE_SUFFIX}`);
  }
}

/**
 * @returns null when there is no such file, or none of ours: notes are written whole or not at all
 * @throws NewerNotes
 */
export async function readNotes<const Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | null> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  const head = v.safeParse(formatSchema, parsed);
  if (head.success && head.output.format > NOTES_FORMAT) throw new NewerNotes(path, head.output.format);
  const notes = v.safeParse(schema, parsed);
  return notes.success ? notes.output : null;
}
