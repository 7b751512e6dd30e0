import type { BotStatus } from '../../actors/effect.ts';
import type { Reason } from '../../actors/reason.ts';
import { type LogOptions, type LogTail, openLogTail } from '../../src/admin/log-tail.ts';
import type { BotExplanation, ConditionEntry, Overview, ReadSide, TimelineEntry } from '../../src/admin/read-side.ts';

export const T0 = Date.UTC(2026, 2, 14, 15, 9, 26);

export function reason(overrides: Partial<Reason> = {}): Reason {
  return { code: 'first-start', facts: {}, at: T0, incarnation: 1, specRevision: 'aa', ...overrides };
}

export function status(id: string, overrides: Partial<BotStatus> = {}): BotStatus {
  return {
    id,
    kind: 'realtime',
    state: 'running',
    reason: reason(),
    restarts: 0,
    since: T0,
    retryAt: null,
    nextRunAt: null,
    endpoint: { host: '127.0.0.1', port: 20_001 },
    queryable: true,
    containerId: 'c1',
    outdated: false,
    history: [],
    ...overrides,
  };
}

/** A read side over a list in memory, which notes what it was asked to do. */
export class FakeReadSide implements ReadSide {
  readonly bots = new Map<string, BotStatus>();
  readonly timelines = new Map<string, readonly TimelineEntry[]>();
  readonly logDirectories = new Map<string, string>();
  conditions: readonly ConditionEntry[] = [];
  conditionsUnknown: string | null = null;
  readonly calls: string[] = [];
  troubles: string[] = [];
  ignored: string[] = [];
  queryUrl = 'http://127.0.0.1:1';
  failed: string[] = [];
  onRestart: (botId: string) => void = () => {};
  onDown: () => Promise<void> = async () => {};

  constructor(...bots: BotStatus[]) {
    for (const bot of bots) this.bots.set(bot.id, bot);
  }

  async list(): Promise<readonly BotStatus[]> {
    return [...this.bots.values()];
  }

  async why(botId: string): Promise<BotExplanation | null> {
    const found = this.bots.get(botId);
    if (found === undefined) return null;
    const timeline = this.timelines.get(botId) ?? [];
    return { status: found, timeline, conditions: this.conditions, conditionsUnknown: this.conditionsUnknown };
  }

  async restart(botId: string): Promise<boolean> {
    this.calls.push(`restart ${botId}`);
    this.onRestart(botId);
    return this.bots.has(botId);
  }

  async reset(botId: string): Promise<boolean> {
    this.calls.push(`reset ${botId}`);
    this.onRestart(botId);
    return this.bots.has(botId);
  }

  async openLog(botId: string, options: LogOptions): Promise<LogTail | null> {
    const directory = this.logDirectories.get(botId);
    return directory === undefined ? null : await openLogTail({ ...options, directory });
  }

  overview(): Overview {
    const { troubles, ignored, queryUrl } = this;
    return { version: '0.1.0', engine: 'process', queryUrl, startedAt: T0, troubles, ignored };
  }

  async down(): Promise<{ stopped: number; failed: readonly string[] }> {
    this.calls.push('down');
    await this.onDown();
    return { stopped: this.bots.size - this.failed.length, failed: this.failed };
  }
}
