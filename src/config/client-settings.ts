import type { Setting } from './setting.ts';
import { duration, optional, path } from './setting-kinds.ts';

/** The few settings that a command needs to find the runtime; the runtime itself reads them too. */
export const dataDirSetting: Setting<string> = {
  group: 'common',
  flag: 'data-dir',
  env: 'THE0_DATA_DIR',
  kind: path,
  default: './.the0',
  help: 'where state, logs, code copies and history are kept',
};

/** Null: `admin.sock` in the data directory. */
export const adminSetting: Setting<string | null> = {
  group: 'admin',
  flag: 'admin',
  env: 'THE0_ADMIN',
  kind: optional('<path>', 'the path of a Unix socket'),
  default: null,
  defaultText: '<data-dir>/admin.sock',
  help: 'Unix socket for commands',
};

/** How long a command waits for the runtime to answer. */
export const adminTimeoutSetting: Setting<number> = {
  group: 'admin',
  flag: 'admin-timeout',
  env: 'THE0_ADMIN_TIMEOUT',
  kind: duration('100ms', '1h'),
  default: 10_000,
  help: 'longest wait of a command for the runtime to answer',
};

/** On top of the time the query itself may take, which the runtime knows. */
export const queryMarginSetting: Setting<number> = {
  group: 'advanced',
  flag: 'query-margin',
  env: 'THE0_QUERY_MARGIN',
  kind: duration('100ms', '24h'),
  default: 60_000,
  help: 'how much longer than its --timeout the command `query` waits; without --timeout all it waits',
};
