import type { Command } from 'commander';
import { queryMarginSetting } from '../config/client-settings.ts';
import { EXIT, UsageError } from './exit-code.ts';
import { errStyle, note, printJson } from './terminal/output.ts';
import { plainText } from './terminal/plain-text.ts';
import {
  addClientOptions,
  type ClientFlags,
  connectTo,
  durationOf,
  forBot,
  type Outcome,
  settingOption,
} from './verb.ts';

export function addQuery(program: Command, outcome: Outcome): void {
  const command = program
    .command('query <bot> <path> [params...]')
    .description('ask a bot: its query handler at <path> answers')
    .option('--timeout <duration>', 'how long to wait for the answer, such as 5s or 2m (default: that of the runtime)')
    .option('--json', 'print the whole answer {status, data, error, duration, timestamp} instead of its data')
    .addHelpText(
      'after',
      `
Parameters are key=value; values are text. key:=value takes JSON: numbers, true,
lists, objects.

Examples:
  $ npx the0-runtime query price-alerts /price
  $ npx the0-runtime query grid-trader /trades limit=3
  $ npx the0-runtime query grid-trader /trades --timeout 2m | jq '.trades[0]'`,
    )
    .action(
      async (botId: string, path: string, words: string[], flags: ClientFlags & { timeout?: string; json?: true }) => {
        const params = parseParams(words);
        const timeoutSeconds = flags.timeout === undefined ? undefined : wholeSeconds(flags.timeout);
        const client = await connectTo(flags);
        const { body, text, httpStatus } = await forBot(client, botId, () =>
          client.query(botId, { path, params, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) }),
        );
        const failed = body === null || body['status'] !== 'ok';
        outcome.exitCode = failed ? EXIT.failed : EXIT.done;
        if (flags.json === true && body !== null) printJson(body);
        else if (!failed) printJson(body['data'] ?? null);
        else {
          // When the bot is not known at all, this says so, and which one may have been meant.
          if (httpStatus === 404) await forBot(client, botId, () => client.why(botId));
          const said =
            typeof body?.['error'] === 'string' ? body['error'] : `status ${httpStatus}: ${text.trim().slice(0, 500)}`;
          note(`${errStyle.paint('red', 'error:')} ${plainText(said)}\n`);
          if (NO_HANDLER.test(said)) {
            const { knownPaths } = await import('./known-paths.ts');
            note(`${await knownPaths(client, botId, path)}\n`);
          }
        }
      },
    );
  addClientOptions(command).addOption(settingOption(queryMarginSetting));
}

/** What every SDK says of a path that it does not know. */
const NO_HANDLER = /^No handler for path: /;

/** `key=value` is text, `key:=json` is what the JSON says. @throws UsageError */
function parseParams(words: readonly string[]): Record<string, unknown> {
  const params = new Map<string, unknown>();
  for (const word of words) {
    const [, key, operator, value = ''] = /^(.+?)(:?=)([\s\S]*)$/.exec(word) ?? [];
    if (key === undefined) {
      throw new UsageError(
        `${JSON.stringify(word)} is not a parameter`,
        'write key=value, or key:=json for numbers, true, lists and objects',
      );
    }
    params.set(key, operator === '=' ? value : jsonOf(key, value));
  }
  return Object.fromEntries(params);
}

function jsonOf(key: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    const hint = `for text write ${key}=${text}`;
    throw new UsageError(`${key}:= must be followed by JSON, and ${JSON.stringify(text)} is none`, hint);
  }
}

/** The front end counts in whole seconds (contract 8.1). @throws UsageError */
function wholeSeconds(text: string): number {
  const milliseconds = durationOf('--timeout', text);
  if (milliseconds === 0) throw new UsageError('--timeout: 0 leaves no time for an answer');
  return Math.ceil(milliseconds / 1000);
}
