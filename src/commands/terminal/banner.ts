import type { BotReport } from '../../admin/wire.ts';
import { botTable } from '../ls.ts';
import { asCalledHere } from './own-name.ts';
import { plainLine } from './plain-text.ts';
import type { Style } from './style.ts';
import { wrapText } from './text-width.ts';

export interface BannerFacts {
  readonly version: string;
  readonly engine: 'process' | 'docker';
  /** As configured, for the person to recognise; null: bots come from MongoDB. */
  readonly botsFolder: string | null;
  readonly dataDirectory: string;
  /** How many there are. */
  readonly known: number;
  /** The first of them, as `reportBot` makes them, sorted by id. */
  readonly bots: readonly BotReport[];
  /** For example `http://127.0.0.1:9477`. */
  readonly queryUrl: string;
  readonly tokenRequired: boolean;
  /** A bot that answers and a path it knows; null when there is none to ask. */
  readonly example: { readonly botId: string; readonly path: string } | null;
  /** What finds this runtime from another terminal in the same folder: empty, or `--data-dir …`, `--admin …`. */
  readonly clientFlags: string;
  readonly nowMs: number;
}

/** What `up` prints once everything it knows of has been told to start. */
export function renderBanner(facts: BannerFacts, style: Style): string {
  const { bots, queryUrl, example } = facts;
  const source = facts.botsFolder === null ? 'MongoDB' : plainLine(facts.botsFolder);
  const title = `${style.paint('bold', `the0-runtime ${facts.version}`)}  ${countOf(facts.known)} from ${source}, data in ${plainLine(facts.dataDirectory)}`;
  const engine = ENGINES[facts.engine];
  const warning = engine.isolates ? [] : wrapText(engine.sentence, Math.min(style.width, 100));
  const commands: [string, string][] = [
    ['all bots', command('ls', facts)],
    ['one bot', command(`why ${example === null ? '<bot>' : shellWord(example.botId)}`, facts)],
    ['stop', `Ctrl-C here, or ${command('down', facts)}`],
  ];
  return [
    title,
    ...(engine.isolates ? [engine.sentence] : warning.map((line) => style.paint('yellow', line))),
    '',
    bots.length === 0
      ? `No bots yet. ${facts.botsFolder === null ? 'One that is written there' : `Put a folder with a bot.json into ${source}: it`} is seen at once.\n`
      : botTable(bots, style, facts.nowMs),
    ...(facts.known > bots.length ? [`… and ${facts.known - bots.length} more: ${command('ls', facts)}`] : []),
    ...toDo(bots, style),
    `Queries are answered on ${style.paint('cyan', queryUrl)}${facts.tokenRequired ? ', with the bearer token' : ''}. ${example === null ? '' : 'Try:'}`.trimEnd(),
    ...(example === null ? [] : [`  ${curlLine(queryUrl, example, facts.tokenRequired)}`]),
    'From another terminal in this folder:',
    ...commands.map(([what, how]) => `  ${what.padEnd(10)}${how}`),
    '',
  ].join('\n');
}

/** Above this many, `why` tells. */
const ADVICE_SHOWN = 3;

/** What keeps bots from running and somebody can mend, each once however many bots wait for it. */
function toDo(bots: readonly BotReport[], style: Style): string[] {
  const failing = bots.filter(({ reason }) => reason.severity === 'error' && reason.advice !== '');
  const byAdvice = Map.groupBy(failing, ({ reason }) => reason.advice);
  const lines = [...byAdvice].slice(0, ADVICE_SHOWN).flatMap(([advice, [first, ...others]]) => {
    if (first === undefined) return [];
    const whose = `${plainLine(first.id)}${others.length === 0 ? '' : ` and ${others.length} more`}`;
    return wrapText(`To do for ${whose}: ${plainLine(advice)}`, Math.min(style.width, 100));
  });
  return lines.length === 0 ? [] : [...lines.map((line) => style.paint('yellow', line)), ''];
}

const ENGINES = {
  process: {
    isolates: false,
    sentence:
      'Engine process: bots are plain child processes of this one. Nothing isolates them from your files, your network or each other; run only bots you trust. --engine docker puts each into a container.',
  },
  docker: { isolates: true, sentence: 'Engine docker: each bot runs in a container of its own.' },
} as const;

/** One line that works as it stands, in any POSIX shell. The token is taken from the shell's own variable. */
export function curlLine(
  queryUrl: string,
  { botId, path }: { readonly botId: string; readonly path: string },
  tokenRequired: boolean,
): string {
  const body = JSON.stringify({ bot_id: botId, query_path: path });
  const header = tokenRequired ? ' -H "Authorization: Bearer $QUERY_TOKEN"' : '';
  return `curl -s${header} ${queryUrl}/query -d ${shellWord(body)}`;
}

function command(words: string, { clientFlags }: BannerFacts): string {
  return asCalledHere(`npx the0-runtime ${words}${clientFlags === '' ? '' : ` ${clientFlags}`}`);
}

/** Quoted for a POSIX shell unless nothing in it needs quoting. Control characters do not survive. */
export function shellWord(text: string): string {
  const line = plainLine(text);
  return /^[\w@%+=:,./-]+$/.test(line) ? line : `'${line.replaceAll("'", `'\\''`)}'`;
}

/** `1 bot`, `3 bots`. */
export function countOf(bots: number): string {
  return bots === 1 ? '1 bot' : `${bots} bots`;
}
