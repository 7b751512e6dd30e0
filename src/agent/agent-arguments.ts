/** What the agent was asked to do (contract 1.3). */
export interface AgentArguments {
  readonly command: 'execute' | 'version' | 'fetch-code';
  /** Null: not given, `QUERY_PATH` decides. */
  readonly query: string | null;
  readonly queryServerOnly: boolean;
  readonly skipQueryServer: boolean;
}

const SWITCHES = ['--query-server-only', '--skip-sync', '--skip-query-server'] as const;
/** The last two belong to every command of the runtime; the agent needs neither. */
const VALUES = ['--query', '--mongo-uri', '--nats-url'] as const;

/**
 * Flags as the Go runtime takes them: `--name value`, `--name=value`, `--switch`, `--switch=false`; further words are
 * ignored. There is nothing to sync in this version, so `--skip-sync` changes nothing.
 * @throws Error with a sentence for the person who typed it
 */
export function parseAgentArguments(words: readonly string[]): AgentArguments {
  const [command, ...rest] = words;
  if (command !== 'execute' && command !== 'version' && command !== 'fetch-code') {
    throw new Error(`unknown command "${command ?? ''}" for the agent: it knows execute and version`);
  }
  const switches = new Set<string>();
  const values = new Map<string, string>();
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('--')) continue;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const given = equals < 0 ? undefined : word.slice(equals + 1);
    if (includes(SWITCHES, name)) {
      if (!['true', 'false', undefined].includes(given)) throw new Error(`invalid argument "${given}" for "${name}"`);
      if (given !== 'false') switches.add(name);
    } else if (includes(VALUES, name)) {
      const value = given ?? rest.shift();
      if (value === undefined) throw new Error(`flag needs an argument: ${name}`);
      values.set(name, value);
    } else {
      throw new Error(`unknown flag: ${name}`);
    }
  }
  return {
    command,
    query: values.get('--query') || null,
    queryServerOnly: switches.has('--query-server-only'),
    skipQueryServer: switches.has('--skip-query-server'),
  };
}

function includes(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
