import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** How text may look where it goes: colours and a width on a terminal, neither in a pipe. */
export interface Style {
  readonly colour: boolean;
  /** Columns; infinite in a pipe, where nothing is cut. */
  readonly width: number;
  paint(format: Format, text: string): string;
}

/** Respects NO_COLOR (any value but empty), FORCE_COLOR and TERM=dumb. */
export function styleFor(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const terminal = stream.isTTY === true;
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const forced = (env['FORCE_COLOR'] ?? '') !== '' && env['FORCE_COLOR'] !== '0';
  const width = terminal ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY;
  return makeStyle((terminal || forced) && !refused, width);
}

export function makeStyle(colour: boolean, width: number): Style {
  return {
    colour,
    width,
    paint: (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text),
  };
}

const STATE_FORMATS: Readonly<Record<string, Format>> = {
  running: 'green',
  starting: 'cyan',
  waiting: 'cyan',
  idle: 'green',
  stopping: 'cyan',
  'backing-off': 'yellow',
  blocked: 'red',
  stopped: 'gray',
};

export function paintState(style: Style, state: string): string {
  const format = STATE_FORMATS[state];
  return format === undefined ? state : style.paint(format, state);
}

const SEVERITY_FORMATS: Readonly<Record<string, Format>> = { warning: 'yellow', error: 'red' };

export function paintSeverity(style: Style, severity: string, text: string): string {
  const format = SEVERITY_FORMATS[severity];
  return format === undefined ? text : style.paint(format, text);
}
