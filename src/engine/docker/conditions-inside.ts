import {
  type BotCondition,
  CONDITIONS_BYTES,
  CONDITIONS_FILE,
  parseConditions,
  unreadable,
} from '../bot-conditions.ts';
import { LOGS_PATH } from './bot-container.ts';
import type { DockerApi } from './docker-api.ts';

/** Above this the file is something that never answers, such as a pipe the bot has put in its place. */
const READ_SECONDS = 2;
const MISSING = 1;

/** Ends by itself inside the container, whatever stands in the file's place, so that no process is left behind there. */
const COMMAND = [
  ...['timeout', '-s', 'KILL', String(READ_SECONDS)],
  ...['head', '-c', String(CONDITIONS_BYTES), `${LOGS_PATH}/${CONDITIONS_FILE}`],
];

/**
 * From a container whose log directory is not on this host: a process in it reads the file.
 * @throws EngineError `rejected` when it cannot be read; what the Docker client throws
 */
export async function readConditionsInside(
  api: DockerApi,
  containerId: string,
  botId: string,
): Promise<readonly BotCondition[]> {
  const answer = await api.execute(containerId, COMMAND, CONDITIONS_BYTES);
  if (answer === 'not-running') return [];
  const { exitCode, stdout } = answer;
  if (exitCode === 0) return parseConditions(botId, stdout);
  // No such file: all is well.
  if (exitCode === MISSING && stdout === '') return [];
  throw unreadable(botId, `the program that was to read it in the container ended with ${exitCode}`);
}
