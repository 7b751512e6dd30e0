import { readdirSync, readFileSync } from 'node:fs';
import type { BotMemory } from '../../actors/message.ts';
import { dataPaths } from '../../src/storage/data-directory.ts';
import { parseJournalLine } from '../../src/supervisor/journal-line.ts';

/** What is written down about each bot, from the files of the journal alone; a runtime may be running or not. */
export function memories(dataDir: string): Map<string, BotMemory> {
  const { journal } = dataPaths(dataDir);
  const found = new Map<string, BotMemory>();
  for (const segment of readdirSync(journal).sort()) {
    for (const text of readFileSync(`${journal}/${segment}`, 'utf8').split('\n')) {
      const line = parseJournalLine(text);
      if (line === null || line === 'newer-format') continue;
      if (line.forgotten) found.delete(line.bot);
      else found.set(line.bot, line.memory);
    }
  }
  return found;
}
