import type { Setting } from '../config/setting.ts';

/** What most people look for. `--help` shows these only: between all of them, nobody would find any. */
const EVERYDAY: ReadonlySet<string> = new Set([
  'bots',
  'data-dir',
  'engine',
  'time-zone',
  'log-level',
  'log-format',
  'mongo-uri',
  'host',
  'query-port',
  'query-token',
  'stop-grace',
  'bot-memory',
  'bot-cpus',
  'scheduled-runs',
  'minio-endpoint',
  'minio-container-endpoint',
  'minio-access-key',
  'minio-secret-key',
  'minio-use-ssl',
  'nats-url',
  'runtime-image',
  'docker-network',
  'take-over',
  'restart-cap',
  'admin',
  'health-port',
]);

export function isEveryday({ flag }: Setting<unknown>): boolean {
  return EVERYDAY.has(flag);
}

/** What the help of a verb that takes them says of all others. */
export const OTHER_FLAGS = `There are many more flags; none has to be set. \`npx the0-runtime settings\`
shows all, \`npx the0-runtime settings <word>\` those about something.`;
