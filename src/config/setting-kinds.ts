import { formatDuration, LONGEST_TIMER_MS, parseDuration } from '../duration.ts';
import { formatByteSize, parseByteSize } from './byte-size.ts';
import type { SettingKind } from './setting.ts';

const plain = { secret: false, emptyIsValue: false } as const;

/** A folder or file; relative ones count from the working directory. */
export const path: SettingKind<string> = {
  ...plain,
  placeholder: '<path>',
  expected: 'a path',
  parse: (text) => (text === '' || text.includes('\0') ? undefined : text),
  show: (value) => value,
};

/** Text where empty means "not given" (null). */
export function optional(placeholder: string, expected: string): SettingKind<string | null> {
  return {
    ...plain,
    emptyIsValue: true,
    placeholder,
    expected,
    parse: (text) => (text === '' ? null : text),
    show: (value) => value ?? '',
  };
}

/** A file or folder where the Docker daemon runs, which may be another machine; empty means "none" (null). */
export const dockerHostPath: SettingKind<string | null> = {
  ...plain,
  emptyIsValue: true,
  placeholder: '<path>',
  expected: 'an absolute path without a colon',
  parse: (text) => (text === '' ? null : /^\/[^:\0]+$/.test(text) ? text : undefined),
  show: (value) => value ?? '',
};

/** Text that is never shown; empty means "not given" (null). Printable ASCII, because it travels in an HTTP header. */
export const secret: SettingKind<string | null> = {
  secret: true,
  emptyIsValue: true,
  placeholder: '<secret>',
  expected: 'printable ASCII characters without spaces',
  parse: (text) => (text === '' ? null : /^[\x21-\x7e]+$/.test(text) ? text : undefined),
  show: (value) => (value === null ? '' : '(set)'),
};

/** Addresses of NATS servers, separated by commas (contract 1.2). Never shown: they may hold a password. Empty means "none" (null). */
export const natsServers = natsServersOf(
  ['nats:', 'tls:'],
  'one or more addresses such as nats://host:4222 or tls://host:4222, separated by commas',
);

/** The agents of bots do not speak TLS to NATS. */
export const natsServersWithoutTls = natsServersOf(
  ['nats:'],
  'one or more addresses such as nats://host:4222, separated by commas and without TLS',
);

function natsServersOf(schemes: readonly string[], expected: string): SettingKind<string | null> {
  const isServer = (server: string): boolean => {
    const address = server.trim();
    const url = URL.parse(address.includes('://') ? address : `nats://${address}`);
    return url !== null && schemes.includes(url.protocol) && url.hostname !== '';
  };
  return {
    secret: true,
    emptyIsValue: true,
    placeholder: '<url,…>',
    expected,
    parse(value) {
      if (value === '') return null;
      return /^[\x20-\x7e]+$/.test(value) && value.split(',').every(isServer) ? value : undefined;
    },
    show: (value) => (value === null ? '' : '(set)'),
  };
}

export const text: SettingKind<string> = {
  ...plain,
  placeholder: '<text>',
  expected: 'some text',
  parse: (value) => (value === '' ? undefined : value),
  show: (value) => value,
};

export function choice<const Value extends string>(...values: readonly Value[]): SettingKind<Value> {
  return {
    ...plain,
    placeholder: `<${values.join('|')}>`,
    expected: `one of ${values.join(', ')}`,
    parse: (wanted) => values.find((value) => value.toLowerCase() === wanted.toLowerCase()),
    show: (value) => value,
  };
}

/** A whole number. `unit` says of what, for the help: `<count>`, `<port>`, `<MiB>`. */
export function integer(unit: string, min: number, max: number): SettingKind<number> {
  return {
    ...plain,
    placeholder: `<${unit}>`,
    expected: `a whole number from ${min} to ${max}`,
    parse(value) {
      const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
    show: String,
  };
}

export function factor(min: number, max: number): SettingKind<number> {
  return {
    ...plain,
    placeholder: '<factor>',
    expected: `a number from ${min} to ${max}`,
    parse(value) {
      const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
    show: String,
  };
}

/** Something waits for so long. @throws RangeError when it may be longer than a timer of Node can wait */
export function duration(min: string, max: string): SettingKind<number> {
  if ((parseDuration(max) ?? Number.NaN) <= LONGEST_TIMER_MS) return age(min, max);
  throw new RangeError(`No timer waits for ${max}, so it must not be allowed`);
}

/**
 * What is compared with a span that has passed; no timer is set for it. Milliseconds inside, Go syntax outside. Bounds are part of
 * the text shown, so they are written in Go syntax too.
 */
export function age(min: string, max: string): SettingKind<number> {
  const minMs = parseDuration(min) ?? Number.NaN;
  const maxMs = parseDuration(max) ?? Number.NaN;
  return {
    ...plain,
    placeholder: '<duration>',
    expected: `a duration from ${min} to ${max}, such as 500ms, 30s or 1m30s`,
    parse(value) {
      const milliseconds = parseDuration(value);
      return milliseconds !== undefined && milliseconds >= minMs && milliseconds <= maxMs ? milliseconds : undefined;
    },
    show: formatDuration,
  };
}

/** Bytes inside, `16MiB` outside. */
export function size(min: string, max: string): SettingKind<number> {
  const minBytes = parseByteSize(min) ?? Number.NaN;
  const maxBytes = parseByteSize(max) ?? Number.NaN;
  return {
    ...plain,
    placeholder: '<size>',
    expected: `a size from ${min} to ${max}, such as 512KiB or 16MiB`,
    parse(value) {
      const bytes = parseByteSize(value);
      return bytes !== undefined && bytes >= minBytes && bytes <= maxBytes ? bytes : undefined;
    },
    show: formatByteSize,
  };
}

/** Both ends belong to the range. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const portRange: SettingKind<PortRange> = {
  ...plain,
  placeholder: '<first-last>',
  expected: 'two ports from 1024 to 65535 such as 20000-29999, the smaller one first',
  parse(value) {
    const [, from, to] = /^(\d+)-(\d+)$/.exec(value) ?? [];
    const first = Number(from);
    const last = Number(to);
    return first >= 1024 && last <= 65_535 && first <= last ? { first, last } : undefined;
  },
  show: (value) => `${value.first}-${value.last}`,
};

/** A name of the time zone database. Empty is UTC, as it is for the C library. */
export const timeZone: SettingKind<string> = {
  ...plain,
  emptyIsValue: true,
  placeholder: '<zone>',
  expected: 'a time zone such as UTC or Europe/Berlin',
  parse(value) {
    if (value === '') return 'UTC';
    try {
      new Intl.DateTimeFormat('en', { timeZone: value });
      return value;
    } catch {
      // RangeError is how Intl says that there is no such zone; the caller makes the sentence.
      return undefined;
    }
  },
  show: (value) => value,
};
