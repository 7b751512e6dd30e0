import { LONGEST_TIMER_MS, parseDuration } from '../duration.ts';

/** What the agent was asked to do (contract 1.3). */
export type AgentArguments =
  | { readonly command: 'version' }
  | ExecuteArguments
  | {
      readonly command: 'daemon init';
      readonly botId: string;
      readonly codePath: string;
      readonly statePath: string;
      readonly codeFile: string | null;
    }
  | DaemonSyncArguments;

export interface ExecuteArguments {
  readonly command: 'execute';
  /** Null: not given, `QUERY_PATH` decides. */
  readonly query: string | null;
  readonly queryServerOnly: boolean;
  readonly skipSync: boolean;
  readonly skipQueryServer: boolean;
}

export interface DaemonSyncArguments {
  readonly command: 'daemon sync';
  readonly botId: string;
  readonly statePath: string;
  readonly logsPath: string;
  /** How often the state is searched where it cannot be watched. */
  readonly intervalMs: number;
  /** The bot is done when this file is there; null: only a signal ends it. */
  readonly doneFile: string | null;
  /** 0: none. */
  readonly readinessPort: number;
}

/** By command; `false` is a switch, anything else the default of a value. */
const FLAGS = {
  version: {},
  execute: { query: '', 'query-server-only': false, 'skip-sync': false, 'skip-query-server': false },
  'daemon init': { 'bot-id': '', 'code-path': '/bot', 'state-path': '/state', 'code-file': '' },
  'daemon sync': {
    'bot-id': '',
    'state-path': '/state',
    'logs-path': '/var/the0/logs',
    interval: '60s',
    'watch-done': '',
    'readiness-port': '0',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string | false>>>>;

type Command = keyof typeof FLAGS;

/** These belong to every command of the runtime; the agent needs neither. */
const COMMON = { 'mongo-uri': '', 'nats-url': '' } as const;

/**
 * Flags as the Go runtime takes them: `--name value`, `--name=value`, `--switch`, `--switch=false`; further words are
 * ignored.
 * @throws Error with a sentence for the person who typed it
 */
export function parseAgentArguments(words: readonly string[]): AgentArguments {
  const [first = '', second = ''] = words;
  const name = first === 'daemon' ? `daemon ${second}`.trimEnd() : first;
  if (!isCommand(name)) {
    throw new Error(`unknown command "${name}" for the agent: it knows execute, daemon init, daemon sync and version`);
  }
  const flags = new Flags(FLAGS[name], words.slice(first === 'daemon' ? 2 : 1));
  switch (name) {
    case 'version':
      return { command: name };
    case 'execute':
      return {
        command: name,
        query: flags.text('query') || null,
        queryServerOnly: flags.isOn('query-server-only'),
        skipSync: flags.isOn('skip-sync'),
        skipQueryServer: flags.isOn('skip-query-server'),
      };
    case 'daemon init':
      return {
        command: name,
        botId: flags.required('bot-id'),
        codePath: flags.text('code-path'),
        statePath: flags.text('state-path'),
        codeFile: flags.text('code-file') || null,
      };
    case 'daemon sync':
      return {
        command: name,
        botId: flags.required('bot-id'),
        statePath: flags.text('state-path'),
        logsPath: flags.text('logs-path'),
        intervalMs: flags.duration('interval'),
        doneFile: flags.text('watch-done') || null,
        readinessPort: flags.port('readiness-port'),
      };
  }
}

class Flags {
  readonly #values = new Map<string, string>();
  readonly #on = new Set<string>();

  constructor(own: Readonly<Record<string, string | false>>, words: readonly string[]) {
    const known: Readonly<Record<string, string | false>> = { ...COMMON, ...own };
    for (const [name, value] of Object.entries(known)) if (value !== false) this.#values.set(name, value);
    const left = [...words];
    for (let word = left.shift(); word !== undefined; word = left.shift()) {
      if (/^-[^-]/.test(word)) throw new Error(`unknown shorthand flag: ${word}`);
      if (!word.startsWith('--')) continue;
      const [, name = '', given] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const standard = Object.hasOwn(known, name) ? known[name] : undefined;
      if (standard === undefined) throw new Error(`unknown flag: --${name}`);
      if (standard === false) {
        if (!['true', 'false', undefined].includes(given))
          throw new Error(`invalid argument "${given}" for "--${name}"`);
        if (given === 'false') this.#on.delete(name);
        else this.#on.add(name);
        continue;
      }
      const value = given ?? left.shift();
      if (value === undefined) throw new Error(`flag needs an argument: --${name}`);
      this.#values.set(name, value);
    }
  }

  isOn(name: string): boolean {
    return this.#on.has(name);
  }

  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === '') throw new Error(`required flag "${name}" not set`);
    return value;
  }

  duration(name: string): number {
    const value = this.text(name);
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined || milliseconds <= 0) throw invalid(name, value, 'a duration such as 60s');
    return Math.min(milliseconds, LONGEST_TIMER_MS);
  }

  port(name: string): number {
    const value = this.text(name);
    const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
    if (!(port <= 65_535)) throw invalid(name, value, 'a port from 0 to 65535');
    return port;
  }
}

function invalid(name: string, value: string, expected: string): Error {
  return new Error(`invalid argument "${value}" for "--${name}": expected ${expected}`);
}

function isCommand(name: string): name is Command {
  return Object.hasOwn(FLAGS, name);
}
