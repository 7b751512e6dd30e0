import { AGENT_LIMITS, type AgentLimitName, type AgentLimits, agentLimits } from '../../agent/agent-limits.ts';
import type { Pick, SettingKind } from '../setting.ts';
import { duration, integer, size } from '../setting-kinds.ts';

/**
 * One setting for each limit of the agent that has a `setting` in its own table, in its order:
 * `queryRestartCapMs` is `--agent-query-restart-cap` and `THE0_AGENT_QUERY_RESTART_CAP`. The others have their default
 * here; what replaces it stands under names of its own in this folder.
 */
export function agentSettings(pick: Pick): AgentLimits {
  return agentLimits((name) => {
    const { default: value, setting } = AGENT_LIMITS[name];
    if (setting === undefined) return value;
    const words = agentFlag(name);
    return pick({
      group: 'agent',
      flag: words,
      env: `THE0_${words.toUpperCase().replaceAll('-', '_')}`,
      kind: kindOf(name, setting.from, setting.to),
      default: value,
      help: setting.help,
    });
  });
}

/** Without the unit: `queryRestartCapMs` is `agent-query-restart-cap`. */
export function agentFlag(name: AgentLimitName): string {
  const words = name.replace(/(Ms|Bytes)$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `agent-${words}`;
}

function kindOf(name: AgentLimitName, from: string, to: string): SettingKind<number> {
  if (name.endsWith('Ms')) return duration(from, to);
  if (/Bytes(PerSecond)?$/.test(name)) return size(from, to);
  return integer('count', Number(from), Number(to));
}
