/**
 * Words of this folder: what *should* run. A *definition* is everything a bot is made of; a *desired-state source* (the
 * port in `desired-state.ts`) tells which definitions there are and how they change.
 */
import type { BotKind, SpecProblem } from '../../actors/bot-spec.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One bot as the desired state has it. Shape of the contract's documents (contract 2.2), without readme and schema. */
export interface BotDefinition {
  readonly id: string;
  readonly kind: BotKind;
  readonly enabled: boolean;
  /** The user's config, verbatim; reaches the bot as `BOT_CONFIG`. Holds secrets: never logged. */
  readonly config: { readonly [key: string]: Json };
  /** `custom.version`. */
  readonly version: string;
  /** Key of the code in the object store (`custom.filePath`); empty when there is none. */
  readonly filePath: string;
  /** `custom.config.name`. */
  readonly name: string;
  readonly runtime: string;
  /** `entrypoints.bot`; empty when missing. */
  readonly entrypoint: string;
  readonly queryEntrypoint: string | null;
  /** `config.schedule` of a scheduled bot: a cron expression (contract 2.7), as it was written; null when there is none. */
  readonly schedule: string | null;
  /** See `specRevision` in `revision.ts`. */
  readonly specRevision: string;
  readonly problem: SpecProblem | null;
}
