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
function writeProcessNotes(path: string, notes: ProcessNotes): void {
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
