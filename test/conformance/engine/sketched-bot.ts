import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import { aBot } from '../../desired/a-bot.ts';
import type { BotSketch } from './bots.ts';

/** Writes the code of a bot where the engine takes it from. */
export async function sketchedBot(
  sketch: BotSketch,
  codeDirOf: (botId: string, revision: string) => string,
): Promise<BotDefinition> {
  const { id = `t-${randomUUID()}`, revision = 'first', config = {}, files } = sketch;
  const code = codeDirOf(id, revision);
  await mkdir(code, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(code, file), text);
  const queryEntrypoint = 'query.js' in files ? 'query.js' : null;
  return aBot(id, { config, queryEntrypoint, specRevision: revision });
}
