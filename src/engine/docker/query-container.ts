import { join } from 'node:path';
import type Docker from 'dockerode';
import type { BotDefinition } from '../../desired/bot-definition.ts';
import { isStored } from '../bot-environment.ts';
import type { QueryRunRequest } from '../container-engine.ts';
import { asQueryProgram } from '../query-run.ts';
import { CODE_SOURCE, type ContainerTemplate, containerOptions, memoryFileSystems } from './bot-container.ts';
import type { BotDirectories } from './bot-directories.ts';
import type { Labels } from './container-labels.ts';
import { containerName } from './container-name.ts';

/** Raised when what the labels mean changes. */
const FORMAT = '1';
const ROLE = 'query';
const RUN = 'the0.run';
const STATE_SOURCE = '/the0/state';
/** Where the SDKs leave their answer (contract 8.6). */
const RESULT_PATH = '/query';
export const RESULT_FILE = 'result.json';

/** Labels of all query runs of an instance. */
export function queryLabels(instance: string): readonly string[] {
  return [`the0.instance=${instance}`, `the0.role=${ROLE}`];
}

/** @returns null for a container that is none of ours, or a newer runtime's */
export function runIdIn(labels: Labels): string | null {
  return labels['the0.format'] === FORMAT ? (labels[RUN] ?? null) : null;
}

/**
 * The container of a query run: the bot's own, but for its name and labels, which no bot's container has; the question; and
 * its files. A bot of the object store has all in memory; another gets its state read-only, to copy, and a directory of this
 * host for its result.
 *
 * @throws EngineError `rejected`: no query entry point, or the question is too large for an environment variable
 */
export function queryContainerOptions(
  template: ContainerTemplate,
  { definition, path, params, resultKey }: QueryRunRequest,
  own: { readonly runId: string; readonly startedAt: number; readonly networkMode: string },
): Docker.ContainerCreateOptions {
  const program = asQueryProgram(definition);
  const directories = isStored(definition) ? null : template.directories;
  const question = { path, params, ...(directories === null ? { resultKey } : { stateSource: STATE_SOURCE }) };
  const base = containerOptions({ ...template, natsUrl: null }, program, {
    incarnation: own.startedAt,
    shapeRevision: '',
    networkMode: own.networkMode,
    question,
  });
  return {
    ...base,
    name: `${containerName(definition.id)}-query-${own.runId}`,
    Labels: {
      'runtime.managed': 'true',
      'runtime.id': definition.id,
      'runtime.entrypoint': program.entrypoint,
      'runtime.type': program.kind,
      'the0.format': FORMAT,
      'the0.role': ROLE,
      'the0.instance': template.instance,
      [RUN]: own.runId,
    },
    HostConfig: { ...base.HostConfig, ...(directories === null ? {} : filesOf(directories, definition, own.runId)) },
  };
}

/** The program works on a copy of the state, and its log is nobody's: both are in memory. */
function filesOf(directories: BotDirectories, { id, specRevision }: BotDefinition, runId: string): Docker.HostConfig {
  const { [RESULT_PATH]: _result, ...inMemory } = memoryFileSystems(false);
  const mount = (Target: string, Source: string, ReadOnly: boolean) =>
    ({ Type: 'bind', Target, Source, ReadOnly }) as const;
  return {
    Tmpfs: inMemory,
    Mounts: [
      mount(CODE_SOURCE, directories.codeDirOf(id, specRevision), true),
      mount(STATE_SOURCE, directories.stateDirOf(id), true),
      mount(RESULT_PATH, join(directories.queryRuns, runId), false),
    ],
  };
}
