/** What the names of objects say (contract 4.1). Whatever has another name is nobody's business here and never removed. */

export const LOGS_PREFIX = 'logs/';

/** `logs/<id>/<something>` */
export function botOfLog(key: string): string | null {
  return /^logs\/([^/]+)\/./s.exec(key)?.[1] ?? null;
}

/** `<id>/state.tar.gz` */
export function botOfState(key: string): string | null {
  return /^([^/]+)\/state\.tar\.gz$/s.exec(key)?.[1] ?? null;
}

export function logsOf(botId: string): string {
  return `${LOGS_PREFIX}${botId}/`;
}

export function stateOf(botId: string): string {
  return `${botId}/state.tar.gz`;
}

/** `logs/…/.tmp-<nanoseconds>`: what the Go runtime appends with. */
export function isChunk(key: string): boolean {
  return key.startsWith(LOGS_PREFIX) && key.slice(key.lastIndexOf('/') + 1).startsWith('.tmp-');
}

/** `<id>/<nanoseconds>[-<random>]/result.json` */
export function isQueryResult(key: string): boolean {
  return /^[^/]+\/\d+(?:-[0-9a-f]+)?\/result\.json$/s.test(key);
}
