import { mkdir, stat } from 'node:fs/promises';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import { errnoOf } from '../../errno.ts';
import { isStored } from '../bot-environment.ts';
import { EngineError } from '../container-engine.ts';
import type { ProcessEngineOptions } from './process-engine-options.ts';

export interface BotDirectories {
  readonly code: string;
  readonly state: string;
  readonly logs: string;
}

/** Makes a bot's state and log directories; its code must be there, unless the agent fetches it. @throws EngineError `code-unavailable`, or what mkdir(2) says */
export async function prepareDirectories(
  options: Pick<ProcessEngineOptions, 'codeDirOf' | 'stateDirOf' | 'logsDirOf'>,
  definition: Pick<BotDefinition, 'id' | 'specRevision' | 'filePath'>,
): Promise<BotDirectories> {
  const { id, specRevision } = definition;
  const directories = {
    code: options.codeDirOf(id, specRevision),
    state: options.stateDirOf(id),
    logs: options.logsDirOf(id),
  };
  if (isStored(definition)) await mkdir(directories.code, { recursive: true, mode: 0o700 });
  else await expectCode(directories.code, id);
  await mkdir(directories.state, { recursive: true, mode: 0o700 });
  await mkdir(directories.logs, { recursive: true, mode: 0o700 });
  return directories;
}

/** @throws EngineError `code-unavailable` */
export async function expectCode(code: string, botId: string): Promise<void> {
  if (await isDirectory(code)) return;
  const detail = `the copy of its code, ${code}, is missing`;
  throw new EngineError({ code: 'code-unavailable', facts: { detail } }, `bot ${botId}: ${detail}`);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
