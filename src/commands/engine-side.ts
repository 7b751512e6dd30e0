import type { Settings } from '../config/settings.ts';
import type { BotDefinition } from '../desired/bot-definition.ts';
import { USABLE, unusable } from '../desired/service-state.ts';
import type { ContainerEngine } from '../engine/container-engine.ts';
import { GuardedEngine } from '../engine/guarded-engine.ts';
import type { DataDirectory } from '../storage/data-directory.ts';
import type { BotSource } from './bot-source.ts';
import { createEngine, type EngineReporter } from './engines.ts';
import type { Role } from './roles.ts';
import type { RuntimeHealth } from './runtime-health.ts';
import type { StoreSide } from './store-side.ts';

/** The engine, with all that stands before it. */
export interface EngineSide {
  /** As it was made. */
  readonly bare: ContainerEngine;
  /** As everybody uses it: measured, where somebody measures, and guarded. */
  readonly engine: ContainerEngine;
  /** Lets nothing through until it is known who keeps the bots; null: nobody else could. */
  readonly guard: GuardedEngine | null;
}

export interface EngineNeeds {
  readonly role: Role;
  readonly source: BotSource;
  readonly storeSide: StoreSide;
  /** Null: nobody asked for it. */
  readonly health: RuntimeHealth | null;
  readonly definitionOf: (botId: string) => BotDefinition | null;
}

export async function openEngineSide(
  settings: Settings,
  data: DataDirectory,
  report: EngineReporter,
  { role, source, storeSide, health, definitionOf }: EngineNeeds,
): Promise<EngineSide> {
  const bare = await createEngine(settings, data, report, {
    instance: source.instance,
    kinds: role.kinds,
    governs: role.governs,
    storeHonoursConditions: () => storeSide.honoursConditions(),
    credentials: storeSide.credentials,
    definitionOf,
  });
  const measured = health?.watching(bare) ?? bare;
  if (source.shared === null) return { bare, engine: measured, guard: null };
  const guard = new GuardedEngine(measured, 'It is not known yet whether another process keeps these bots.');
  health?.follows('role', () => (guard.shutBecause === null ? USABLE : unusable(guard.shutBecause)));
  return { bare, engine: guard, guard };
}
