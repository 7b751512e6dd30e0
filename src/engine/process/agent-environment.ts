import { delimiter, dirname, join } from 'node:path';
import type { Endpoint, Incarnation } from '../../../actors/observation.ts';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import {
  assertEnvironmentFits,
  botEnvironment,
  isStored,
  type ObjectStoreSettings,
  type QuestionSettings,
  STATE_FOLDER,
  secretLines,
} from '../bot-environment.ts';
import type { BotDirectories } from './directories.ts';
import type { ProcessEngineOptions } from './process-engine-options.ts';

export interface AgentStart {
  readonly definition: BotDefinition;
  readonly incarnation: Incarnation;
  readonly directories: BotDirectories;
  readonly endpoint: Endpoint | null;
  /** It is there for this question only. */
  readonly question?: QuestionSettings;
  /** Where the agent notes the process groups it starts. */
  readonly groupsFile: string;
}

/** Of the runtime's own environment only what programs need to be found and to speak reaches a bot: the rest may be secret. */
export function agentEnvironment(options: ProcessEngineOptions, start: AgentStart): Readonly<Record<string, string>> {
  const { HOME, LANG } = options.hostEnvironment;
  const objectStore = storeOf(options, start.definition);
  const environment = {
    ...(HOME === undefined ? {} : { HOME }),
    ...(LANG === undefined ? {} : { LANG }),
    PATH: searchPath(options),
    ...botEnvironment(start.definition, {
      incarnation: start.incarnation,
      limits: options.agentLimits,
      timeZone: options.timeZone,
      paths: start.directories,
      teeLog: false,
      lifeline: true,
      processNotes: start.groupsFile,
      wrappersPath: options.wrappersPath,
      sdkPath: options.sdkPath,
      ...(objectStore === null ? {} : { objectStore, storeFencing: options.storeHonoursConditions?.() ?? true }),
      ...(agentSecrets(options, start.definition) === null ? {} : { secretsFd: SECRETS_FD }),
      ...(start.endpoint === null ? {} : { query: start.endpoint }),
      ...(start.question === undefined ? {} : { question: start.question }),
    }),
  };
  assertEnvironmentFits(start.definition.id, environment);
  return environment;
}

/** The first after stdin, stdout and stderr. */
const SECRETS_FD = 3;

/** What goes over the pipe to the agent; null: nothing, and there is none. */
export function agentSecrets(options: ProcessEngineOptions, definition: BotDefinition): string | null {
  return secretLines(storeOf(options, definition), options.natsUrl) || null;
}

/** Null for a bot that has everything from directories. */
function storeOf({ objectStore }: ProcessEngineOptions, definition: BotDefinition): ObjectStoreSettings | null {
  return objectStore !== null && isStored(definition) ? objectStore : null;
}

/** The Node of the runtime comes first: a host may have none, or another version. */
export function searchPath({ nodeBinary, hostEnvironment }: ProcessEngineOptions): string {
  return [dirname(nodeBinary), hostEnvironment.PATH ?? '/usr/local/bin:/usr/bin:/bin'].join(delimiter);
}

/** What together only the processes of this bot, run from this data directory, have in their environment. */
export function botMarks({ stateDirOf }: Pick<ProcessEngineOptions, 'stateDirOf'>, botId: string): string[] {
  return [`BOT_ID=${botId}`, `STATE_DIR=${join(stateDirOf(botId), STATE_FOLDER)}`];
}
