import process from 'node:process';
import type { BotStatus } from '../../actors/effect.ts';
import { describeReason } from '../../actors/reason.ts';
import type { Settings } from '../config/settings.ts';
import { EndOfRun, tellOfDefect } from './end-of-run.ts';
import { EXIT, reportFailure } from './exit-code.ts';
import { UP } from './roles.ts';
import { type Runtime, startRuntime } from './runtime.ts';
import { tellTroubles } from './tell-troubles.ts';
import { countOf } from './terminal/banner.ts';
import { UpScreen } from './up-screen.ts';

const SETTLE_POLL_MS = 100;
/** How long the last lines may take to get out. */
const FLUSH_MS = 1_000;

/**
 * Runs bots in the foreground until it is told to stop (design 9):
 * - Ctrl-C and `the0-runtime down` stop all bots, then the runtime
 * - SIGTERM and SIGHUP end the runtime only: containers go on, child processes end with it
 *
 * @returns the exit code
 */
export async function up(settings: Settings): Promise<number> {
  const screen = new UpScreen(settings);
  const exitCode = await run(settings, screen);
  // A pipe that nobody reads would keep the process for ever.
  if (!(await screen.flushed(FLUSH_MS))) process.exit(exitCode);
  return exitCode;
}

async function run(settings: Settings, screen: UpScreen): Promise<number> {
  const end = new EndOfRun();
  tellOfDefect(settings.engine);
  let failed: readonly string[] = [];
  let runtime: Runtime | null = null;
  void end.reached.then(() => {
    if (runtime === null) screen.notice('INFO', 'Ending when the start is through; Ctrl-C (again) ends at once.');
  });
  try {
    runtime = await startRuntime(settings, UP, {
      transition: (record) => screen.transition(record),
      warn: (sentence) => screen.notice('WARN', sentence),
      ended: (stillRunning) => {
        failed = stillRunning;
        end.because('down');
      },
      failed: (sentence) => {
        screen.notice('ERROR', sentence);
        end.because('failed');
      },
    });
  } catch (error) {
    return reportFailure(error);
  }
  if (isOpenToAll(settings)) screen.notice('WARN', OPEN_TO_ALL);
  const stopWatching = tellTroubles(runtime, (level, sentence) => screen.notice(level, sentence));
  await Promise.race([settled(runtime, end, settings.startScreenMs), end.reached]);
  if (!end.isReached) await screen.banner(runtime);
  const cause = await end.reached;
  stopWatching();
  if (cause === 'interrupt') failed = await stopBots(runtime, screen);
  if (failed.length > 0) screen.notice('ERROR', `These bots did not stop in time: ${failed.join(', ')}.`);
  screen.notice('INFO', FAREWELL[cause][settings.engine]);
  await runtime.close();
  return failed.length === 0 && cause !== 'failed' ? EXIT.done : EXIT.failed;
}

const FAREWELL = {
  interrupt: { process: 'The runtime ends.', docker: 'The runtime ends.' },
  down: { process: 'Told to stop: the runtime ends.', docker: 'Told to stop: the runtime ends.' },
  failed: { process: 'The runtime ends.', docker: 'The runtime ends. Containers go on running.' },
  terminate: {
    process: 'Told to end: the runtime ends, and its child processes with it.',
    docker: 'Told to end: the runtime ends. Containers go on running; the next start finds them again.',
  },
} as const;

async function stopBots(runtime: Runtime, screen: UpScreen): Promise<readonly string[]> {
  screen.notice('INFO', `Stopping ${countOf(runtime.supervisor.size)}; Ctrl-C again ends at once.`);
  const { failed } = await runtime.stopBots();
  return failed;
}

/** What waits for something that is broken is not. */
function isOnItsWay({ state, reason }: BotStatus): boolean {
  return state === 'starting' || (state === 'waiting' && describeReason(reason).severity !== 'error');
}

/** Until no bot is on its way any more, or for long enough. */
async function settled({ supervisor }: Runtime, end: EndOfRun, forMs: number): Promise<void> {
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline && !end.isReached) {
    const bots = await supervisor.list();
    if (!bots.some(isOnItsWay)) return;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
  }
}

/** Contract 12.4 #59: who listens for other machines and asks for no token answers whoever comes. */
function isOpenToAll({ query }: Settings): boolean {
  return query.token === null && !/^(localhost|127\.[\d.]+|::1)$/.test(query.host);
}

const OPEN_TO_ALL =
  'Every machine that reaches this one can ask all bots, and needs no password for it: QUERY_TOKEN=… makes queries carry one.';
