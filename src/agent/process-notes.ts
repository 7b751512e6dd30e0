import { renameSync, writeFileSync } from 'node:fs';
import { identityOf, type ProcessIdentity } from './process-identity.ts';

/**
 * What an agent notes about the process groups it started, so that whoever finds the notes after a crash of the agent can
 * end what it left behind. Each group's id is the pid of its leader.
 */
export interface ProcessNotes {
  readonly format: 1;
  readonly bot: ProcessIdentity | null;
  readonly query: ProcessIdentity | null;
}

/** Atomic: a reader sees the old notes or the new ones, never half. @throws the file system's error */
export function writeProcessNotes(path: string, notes: ProcessNotes): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify(notes), { mode: 0o600 });
  renameSync(temporary, path);
}

/** Keeps the notes of one agent up to date, from the moment a process group is there until it is gone. */
export class NotedProcesses {
  readonly #path: string | null;
  readonly #onTrouble: (error: unknown) => void;
  #notes: ProcessNotes = { format: 1, bot: null, query: null };

  /**
   * @param path null: nobody wants notes
   * @param onTrouble the notes could not be written; the bot runs all the same
   */
  constructor(path: string | null, onTrouble: (error: unknown) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
  }

  /** @param pid null: none runs */
  note(role: 'bot' | 'query', pid: number | null): void {
    if (this.#path === null) return;
    try {
      this.#notes = { ...this.#notes, [role]: pid === null ? null : identityOf(pid) };
      writeProcessNotes(this.#path, this.#notes);
    } catch (error) {
      this.#onTrouble(error);
    }
  }
}

/** Null when the text is not notes this version can read. */
export function parseProcessNotes(text: string): ProcessNotes | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // cut off by a full disk: nothing in it can be trusted
  }
  if (!isRecord(value) || value['format'] !== 1) return null;
  const bot = parseIdentity(value['bot']);
  const query = parseIdentity(value['query']);
  return bot === undefined || query === undefined ? null : { format: 1, bot, query };
}

function parseIdentity(value: unknown): ProcessIdentity | null | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const { pid, startTime } = value;
  // 0 and 1 would address the caller's own group and every process there is.
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1 || typeof startTime !== 'string')
    return undefined;
  return { pid, startTime };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
