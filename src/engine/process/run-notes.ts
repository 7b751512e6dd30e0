import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Observation } from '../../../actors/observation.ts';
import type { BotProcessIdentity } from './bot-process.ts';
import { NOTES_FORMAT, readNotes } from './process-notes.ts';

/** A run of a scheduled bot: what is known of it when its process is gone. */
export type NotedRun = Omit<BotProcessIdentity, 'endpoint'> & { readonly occurrence: number };

/** `<data>/run/<botId>.run.json`; ids of bots have no dots. */
export const RUN_SUFFIX = '.run.json';

const runSchema = v.object({
  format: v.literal(NOTES_FORMAT),
  run: v.object({
    botId: v.string(),
    containerId: v.string(),
    incarnation: v.number(),
    specRevision: v.string(),
    occurrence: v.number(),
    shapeRevision: v.string(),
  }),
});

/**
 * Notes about runs, each from before its process is there until its end has been taken note of. A container stays on its
 * engine as the witness that a run was begun; here the note does, also when the runtime is killed together with the run.
 */
export class RunNotes {
  readonly #directory: string;

  constructor(runDirectory: string) {
    this.#directory = runDirectory;
  }

  /** It is on the disk when this resolves, as what the ledger of runs says is: no power failure makes a run happen twice. */
  async write(run: NotedRun): Promise<void> {
    const path = this.#file(run.botId);
    const temporary = `${path}.${process.pid}.tmp`;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ format: NOTES_FORMAT, run })}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** @throws NewerNotes */
  async all(): Promise<NotedRun[]> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(RUN_SUFFIX));
    const notes = await Promise.all(names.map((name) => readNotes(join(this.#directory, name), runSchema)));
    return notes.flatMap((note) => (note === null ? [] : [note.run]));
  }

  async forget(botId: string): Promise<void> {
    await rm(this.#file(botId), { force: true });
  }

  #file(botId: string): string {
    return join(this.#directory, `${botId}${RUN_SUFFIX}`);
  }
}

/** A run that ended while nobody saw how. */
export function endedUnseen({ botId, ...run }: NotedRun): Observation {
  return {
    botId,
    container: { ...run, phase: 'exited', paused: false, endpoint: null },
    lastExit: null,
    at: Date.now(),
  };
}
