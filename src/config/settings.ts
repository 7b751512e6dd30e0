import { adminSetting, adminTimeoutSetting, queryMarginSetting } from './client-settings.ts';
import type { Pick, Setting } from './setting.ts';
import { agentSettings } from './table/agent.ts';
import { botSettings, restartSettings } from './table/bots.ts';
import { changeSettings, directorySettings } from './table/changes.ts';
import { cleanUpSettings } from './table/clean-up.ts';
import { commonSettings } from './table/common.ts';
import { dockerSettings, processSettings } from './table/engines.ts';
import { healthSettings } from './table/health.ts';
import { kernelSettings, shardSettings } from './table/inside.ts';
import { objectStoreSettings } from './table/object-store.ts';
import { querySettings } from './table/queries.ts';
import { scheduleSettings } from './table/schedules.ts';
import { serviceSettings } from './table/services.ts';
import { storedBotSettings } from './table/stored-bots.ts';
import { adminLimitSettings, journalSettings } from './table/upkeep.ts';

/**
 * The one table of every setting, its default and its limits (design 10.7; its parts are in `table/`), and at once the shape
 * of the validated configuration: values are grouped by the part of the runtime that takes them.
 */
export function settingsTable(pick: Pick) {
  return {
    ...commonSettings(pick),
    query: querySettings(pick),
    bot: botSettings(pick),
    /** Limits that have names of their own under `bot` and `directory` have only their defaults here: see `agentLimitsOf`. */
    agent: agentSettings(pick),
    objectStore: objectStoreSettings(pick),
    stored: storedBotSettings(pick),
    services: serviceSettings(pick),
    gc: cleanUpSettings(pick),
    docker: dockerSettings(pick),
    process: processSettings(pick),
    restart: restartSettings(pick),
    schedules: scheduleSettings(pick),
    changes: changeSettings(pick),
    directory: directorySettings(pick),
    journal: journalSettings(pick),
    admin: pick(adminSetting),
    adminTimeoutMs: pick(adminTimeoutSetting),
    queryMarginMs: pick(queryMarginSetting),
    adminLimits: adminLimitSettings(pick),
    health: healthSettings(pick),
    ...shardSettings(pick),
    kernel: kernelSettings(pick),
  };
}

/** Every value the runtime is given, read and checked. Times are milliseconds, sizes bytes, unless the name says otherwise. */
export type Settings = DeepReadonly<ReturnType<typeof settingsTable>>;

type DeepReadonly<Value> = Value extends object ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> } : Value;

/** The table as a list, in the order of the help. */
export function allSettings(): readonly Setting<unknown>[] {
  const settings: Setting<unknown>[] = [];
  settingsTable((setting) => {
    settings.push(setting);
    return setting.default;
  });
  return settings;
}
