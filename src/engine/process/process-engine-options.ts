import type { AgentLimits } from '../../agent/agent-limits.ts';
import type { ObjectStoreSettings } from '../bot-environment.ts';
import type { PortRange } from './query-ports.ts';

export interface ProcessEngineOptions {
  /** The agent, bundled into one file. */
  readonly agentFile: string;
  /** Makes `agentFile`, and what `sdkPath` holds, again: they are in a cache, which may be emptied at any time. */
  readonly refillCache: () => Promise<unknown>;
  /** Runs the agent; its folder comes first in the PATH of bots, so `node` is there. */
  readonly nodeBinary: string;
  /** Options of Node for the agent, for example a bound on its heap. */
  readonly nodeArguments: readonly string[];
  readonly wrappersPath: string;
  readonly sdkPath: string;
  /** Where the code of this revision is; must exist before a start, unless the agent fetches it. */
  readonly codeDirOf: (botId: string, revision: string) => string;
  readonly stateDirOf: (botId: string) => string;
  readonly logsDirOf: (botId: string) => string;
  /** Where query runs have a directory each, for as long as they last. Nothing else is in there. */
  readonly queryRuns: string;
  /** For notes about live processes. */
  readonly runDirectory: string;
  /** What the bots get of the runtime's own environment. Nothing else of it reaches them. */
  readonly hostEnvironment: { readonly PATH?: string; readonly HOME?: string; readonly LANG?: string };
  /** TZ of every bot. */
  readonly timeZone: string;
  readonly agentLimits: AgentLimits;
  /** What its agent gets on top of the bot's grace, for its own last work. */
  readonly agentGraceMs: number;
  /** The same for processes whose agent or runtime is gone. */
  readonly leftoverGraceMs: number;
  /** How long to wait for the end of a process after SIGKILL. */
  readonly killWaitMs: number;
  /** How long an interpreter that was not found is not looked for again. */
  readonly missingProgramMs: number;
  readonly queryPortRange: PortRange;
  /** Where bots with a `filePath` have code, state and log; null: there are no such bots. */
  readonly objectStore: ObjectStoreSettings | null;
  /** Asked at every start, because it may become known late; absent: it does. */
  readonly storeHonoursConditions?: () => boolean;
  /** Where agents publish live logs; null: nowhere. */
  readonly natsUrl: string | null;
  /** Told about troubles that are nobody's answer: what a bot left behind could not be ended. */
  readonly warn: (error: Error) => void;
}
