import type { Pick, SettingKind } from '../setting.ts';
import { integer, optional } from '../setting-kinds.ts';

const port = integer('port', 0, 65_535);

/** Null: not given. */
const healthPort: SettingKind<number | null> = {
  ...port,
  emptyIsValue: true,
  parse: (text) => (text === '' ? null : port.parse(text)),
  show: (value) => (value === null ? '' : port.show(value)),
};

/** Health, readiness and metrics (contract 5.3). */
export function healthSettings(pick: Pick) {
  return {
    /** Null: what the command has by itself. */
    port: pick({
      group: 'admin',
      flag: 'health-port',
      env: 'THE0_HEALTH_PORT',
      kind: healthPort,
      default: null,
      defaultText: 'none for `up`, 8084 for `gc --interval`',
      help: 'port for /healthz, /readyz and /metrics; 0 takes any free one',
    }),
    /** Null: the same. */
    host: pick({
      group: 'admin',
      flag: 'health-host',
      env: 'THE0_HEALTH_HOST',
      kind: optional('<text>', 'an address of this machine'),
      default: null,
      defaultText: 'that of --host; all addresses for `gc`',
      help: 'address on which these are answered',
    }),
  };
}
