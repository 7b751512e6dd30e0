/**
 * Words of this folder: what runs *beside* a bot. The *agent* brings code, starts the bot and its query server, each in a
 * *process group* of its own, keeps their logs, ends them, and says as its *last words* why. There is one agent per bot, so
 * every import here is paid for thousands of times: only built-in modules, and only those that are always needed.
 *
 * Bundled into one file (images/bundle-agent.ts): `/app/agent.js` in the image.
 */
import { parseArgs } from 'node:util';
import { AgentError, messageOf } from './agent-error.ts';
import { type AgentSettings, readSettings } from './agent-settings.ts';
import { execute } from './execute.ts';
import { sayLastWords } from './last-words.ts';
import { logLine } from './agent-line.ts';
import { failedRun, type RunEnd } from './run-context.ts';
import { secretMask } from './secret-mask.ts';
import { takeSecrets } from './secrets-pipe.ts';
import { StopSignal, stopOnLifelineEnd, stopOnSignals } from './stop-signal.ts';
import { Tee } from './tee.ts';
