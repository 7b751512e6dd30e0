import { join } from 'node:path';
import type { AgentSettings } from './agent-settings.ts';
import { formatLikeGo } from './go-format.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the bot and its query server see: the agent's own environment without credentials and without the agent's
 * settings, and what contract 6.4 adds.
 */
export function environmentForBot(env: Environment, settings: AgentSettings): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !isWithheld(name)) result[name] = value;
  }
  result['STATE_DIR'] ||= join(settings.statePath, '.the0-state');
  result['CODE_MOUNT_DIR'] = settings.codePath.replace(/^\//, '');
  result['SCRIPT_PATH'] = settings.entrypoint;
  result['ENTRYPOINT_TYPE'] = 'bot';
  if (settings.runtime === 'python3.11') {
    const own = [join(settings.codePath, 'vendor'), settings.codePath];
    result['PYTHONPATH'] = joined(':', ...own, env['PYTHONPATH'], join(settings.sdkPath, 'python'));
    result['PYTHONUNBUFFERED'] = '1';
  }
  if (settings.runtime === 'nodejs20') {
    result['NODE_PATH'] = joined(':', env['NODE_PATH'], join(settings.sdkPath, 'nodejs', 'node_modules'));
    // Node has more threads than it has work for them; without this the C library keeps a pool for each (0.2 MB).
    result['MALLOC_ARENA_MAX'] = '2';
  }
  // The SDKs take a *defined* QUERY_PATH, even an empty one, for read-only mode.
  for (const name of ['QUERY_PATH', 'QUERY_PARAMS', 'BOT_TYPE']) if (result[name] === '') delete result[name];
  addQueryParameters(result, env['QUERY_PARAMS']);
  return result;
}

/** How the agent's own memory is kept small (images/runtime/launcher.sh): a bot has other needs. */
const OF_THE_LAUNCHER = new Set([
  'MALLOC_ARENA_MAX',
  'MALLOC_MMAP_THRESHOLD_',
  'MALLOC_TRIM_THRESHOLD_',
  'MALLOC_TOP_PAD_',
]);

/**
 * Where the query server listens is the SDK's business; everything else of ours and every credential is not the bot's. The
 * same names as in images/runtime/launcher.sh, which is not there where bots are child processes.
 */
function isWithheld(name: string): boolean {
  if (OF_THE_LAUNCHER.has(name)) return true;
  if (name.startsWith('THE0_QUERY_')) return false; // For the SDKs.
  return name.startsWith('MINIO_') || name.startsWith('THE0_') || name === 'NATS_URL' || name === 'MONGO_URI';
}

/** `QUERY_PARAM_<key>` for each top-level key. Params that are no JSON object are the query program's to refuse. */
function addQueryParameters(result: Record<string, string>, text: string | undefined): void {
  if (!text) return;
  let params: unknown;
  try {
    params = JSON.parse(text);
  } catch {
    return;
  }
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return;
  for (const [key, value] of Object.entries(params)) {
    const formatted = formatLikeGo(value);
    // Neither can stand in an environment.
    if (!/[=\0]/.test(key) && !formatted.includes('\0')) result[`QUERY_PARAM_${key}`] = formatted;
  }
}

function joined(separator: string, ...parts: readonly (string | undefined)[]): string {
  return parts.filter(Boolean).join(separator);
}
