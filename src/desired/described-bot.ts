import type { BotKind, SpecProblem } from '../../actors/bot-spec.ts';
import type { BotDefinition } from './bot-definition.ts';
import { canonicalJson, specRevision } from './revision.ts';

/** What a file or a document says of a bot, before anything is known of its code. */
export type DescribedBot = Omit<BotDefinition, 'specRevision' | 'problem'>;

/** A definition that cannot be used; its revision changes with the problem. */
export function withProblem(bot: DescribedBot, problem: SpecProblem): BotDefinition {
  return { ...bot, specRevision: revisionOf(bot, canonicalJson(problem)), problem };
}

/** What is shown of a bot of which nothing could be read. */
export function unknownBot(id: string, kind: BotKind = 'realtime'): DescribedBot {
  return {
    id,
    kind,
    enabled: true,
    config: {},
    version: '',
    filePath: '',
    name: id,
    runtime: '',
    entrypoint: '',
    queryEntrypoint: null,
    schedule: null,
  };
}

/** @param code digest of the code, where the file path alone does not tell; else empty */
export function revisionOf(
  { config, runtime, entrypoint, queryEntrypoint, filePath, version }: DescribedBot,
  code: string,
): string {
  return specRevision({ config, runtime, entrypoint, queryEntrypoint, filePath, version, code });
}
