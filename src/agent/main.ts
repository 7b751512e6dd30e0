/**
 * Words of this folder: what runs *beside* a bot. The *agent* brings the code, starts the bot and its query server, each in
 * a *process group* of its own, keeps their logs, ends them, and says in its *last words* why. There is one agent per bot,
 * so every import is paid for thousands of times: built-in modules only, and only those that are always needed.
 *
 * Bundled into one file (images/bundle-agent.ts): `/app/agent.js` in the image.
 */
import { type AgentArguments, type ExecuteArguments, parseAgentArguments } from './agent-arguments.ts';
import { AgentError, messageOf } from './agent-error.ts';
import { DEFAULT_AGENT_LIMITS } from './agent-limits.ts';
import { logLine } from './agent-line.ts';
import { type AgentSettings, readSettings } from './agent-settings.ts';
import { fetchFiles } from './bot-files.ts';
import { promiseLastWords, sayLastWords } from './last-words.ts';
import { hiddenValues } from './open-store.ts';
import { PREPARE } from './prepare-errand.ts';
import { killLeftGroups } from './process-group.ts';
import { failedRun, type RunContext, type RunEnd } from './run-context.ts';
import { secretMask } from './secret-mask.ts';
import { takeSecrets } from './secrets-pipe.ts';
import { StopSignal, stopOnLifelineEnd, stopOnSignals } from './stop-signal.ts';
import { Tee } from './tee.ts';
import { giveBackUnusedMemory } from './unused-memory.ts';

/** Replaced by the bundler. */
declare const THE0_AGENT_VERSION: string;

async function main(): Promise<number> {
  const secrets = takeSecrets(process.env);
  const [task, ...rest] = process.argv.slice(2);
  if (task === PREPARE) {
    const { runErrand } = await import('./run-errand.ts');
    return runErrand(rest, secrets);
  }
  let args: AgentArguments;
  try {
    args = parseAgentArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`Error: ${messageOf(error)}\n`);
    return 1;
  }
  switch (args.command) {
    case 'version':
      process.stdout.write(`the0-runtime version ${THE0_AGENT_VERSION}\n`);
      return 0;
    case 'daemon init':
    case 'daemon sync': {
      const { runDaemon } = await import('./daemon/run-daemon.ts');
      return runDaemon(args, secrets);
    }
    case 'execute':
      return run(args, secrets);
  }
}

async function run(args: ExecuteArguments, secrets: ReadonlyMap<string, string>): Promise<number> {
  let settings: AgentSettings;
  try {
    settings = readSettings(process.env);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    process.stderr.write(logLine('error', error.message));
    const terminationLog = process.env['THE0_TERMINATION_LOG'] || null;
    const { exitCode, lastWords } = failedRun(error, (text) => text);
    await sayLastWords(lastWords, { terminationLog }, null, DEFAULT_AGENT_LIMITS.flushMs);
    return exitCode;
  }
  promiseLastWords(settings);
  const { limits } = settings;
  const stop = new StopSignal();
  stopOnSignals(stop, limits);
  giveBackUnusedMemory(limits);
  if (settings.lifeline) stopOnLifelineEnd(stop, limits);
  const mask = secretMask(settings.botConfig, hiddenValues(secrets, process.env));
  const tee = settings.tee ? new Tee(process.stdout, process.stderr, limits.logQueueBytes) : null;
  const { exitCode, lastWords } = await runMode(args, { settings, env: process.env, stop, mask, tee, secrets });
  await sayLastWords(lastWords, settings, tee, limits.flushMs);
  return exitCode;
}

/** Precedence of contract 6.1. Each mode loads what it needs. */
async function runMode(args: ExecuteArguments, context: RunContext): Promise<RunEnd> {
  const queryPath = args.query ?? context.settings.queryPath;
  if (args.queryServerOnly || queryPath !== null) {
    const { executeQuery, executeQueryServer } = await import('./query-run.ts');
    return args.queryServerOnly || queryPath === null ? executeQueryServer(context) : executeQuery(context, queryPath);
  }
  // The bot waits for its files, so they come first: the rest of the agent is loaded meanwhile.
  const files = fetchFiles(context, 'own');
  files.catch(() => undefined); // Said where they are awaited.
  const { execute } = await import('./execute.ts');
  return execute(context, files, { queryServer: !args.skipQueryServer, sync: !args.skipSync });
}

// Whatever goes wrong with the agent: no process of the bot is left behind.
process.once('exit', killLeftGroups);
main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(logLine('error', `the agent failed: ${messageOf(error)}`), () => process.exit(1));
  },
);
