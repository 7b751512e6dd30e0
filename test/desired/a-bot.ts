import type { BotDefinition } from '../../src/desired/bot-definition.ts';

/** The definition of a Node bot that may run and answers queries, where a test says nothing else. */
export function aBot(id: string, changes: Partial<BotDefinition> = {}): BotDefinition {
  return {
    id,
    kind: 'realtime',
    enabled: true,
    config: {},
    version: '1.0.0',
    filePath: '',
    name: id,
    runtime: 'nodejs20',
    entrypoint: 'main.js',
    queryEntrypoint: 'query.js',
    schedule: null,
    specRevision: 'r1',
    problem: null,
    ...changes,
  };
}
