import type { Orphan, SweepReport } from '../../gc/sweep-report.ts';
import { formatAge, formatSpan } from '../terminal/age.ts';
import type { LogFacts } from '../terminal/log-form.ts';
import { plainLine } from '../terminal/plain-text.ts';

/** Above this many the rest is only counted; `--json` has them all. */
const LISTED = 50;

/** What one sweep did, or would do, for people. */
export function sweepText(report: SweepReport, nowMs: number): string {
  const { dryRun, due, waiting, removedBots, removedObjects, credentials, isPartial } = report;
  const verb = dryRun ? 'would remove' : 'removed';
  const lines = [
    `${report.storedBots} bots have something in the store, MongoDB knows ${report.knownBots}`,
    `${verb} ${countOf(dryRun ? due.length : removedBots, 'bot')} that nobody knows any more (${
      dryRun ? sizesOf(due) : sizeOf(removedObjects)
    })`,
    ...listed(due, ({ botId, objects, bytes, writtenAt, seenAt }) =>
      [
        `  ${plainLine(botId)}: ${countOf(objects, 'object')}, ${bytesText(bytes)}`,
        `written ${formatAge(writtenAt, nowMs)}, found gone ${formatAge(seenAt, nowMs)}`,
      ].join(', '),
    ),
    ...(waiting.length === 0
      ? []
      : [`${countOf(waiting.length, 'bot')} not known any more, and not yet to be removed`]),
    ...listed(waiting, ({ botId, dueAt }) => `  ${plainLine(botId)}: in ${formatSpan(dueAt - nowMs)}`),
    ...(isPartial ? ['there are more bots that nobody knows: they wait for a later sweep (--gc-orphans)'] : []),
    `${verb} ${countOf(dryRun ? credentials.due : credentials.removed, 'key')} of bots that nobody knows any more`,
    `${verb} ${countOf(report.uploads.count, 'unfinished upload')}, ${countOf(report.chunks.count, 'piece')} of logs and ${countOf(
      report.queryResults.count,
      'result',
    )} of queries (${bytesText(report.chunks.bytes + report.queryResults.bytes)})`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The same in one sentence, with its figures, for the log of a service. */
export function sweepLine(report: SweepReport): { message: string; facts: LogFacts } {
  return {
    message: report.problem === null ? 'Swept.' : 'Swept, but for what is of bots.',
    facts: {
      tookMs: report.tookMs,
      knownBots: report.knownBots,
      storedBots: report.storedBots,
      removedBots: report.removedBots,
      removedObjects: report.removedObjects.count,
      removedBytes: report.removedObjects.bytes,
      removedCredentials: report.credentials.removed,
      waitingBots: report.waiting.length,
      chunks: report.chunks.count,
      uploads: report.uploads.count,
      queryResults: report.queryResults.count,
      failures: report.failures.count,
    },
  };
}

/** The public shape of `gc --json`; times in ISO 8601. */
export function sweepJson(report: SweepReport): unknown {
  const orphan = ({ botId, objects, bytes, writtenAt, seenAt, dueAt }: Orphan) => ({
    id: botId,
    objects,
    bytes,
    writtenAt: new Date(writtenAt).toISOString(),
    seenAt: new Date(seenAt).toISOString(),
    dueAt: new Date(dueAt).toISOString(),
  });
  return {
    ...report,
    startedAt: new Date(report.startedAt).toISOString(),
    due: report.due.map(orphan),
    waiting: report.waiting.map(orphan),
  };
}

function listed(orphans: readonly Orphan[], line: (orphan: Orphan) => string): string[] {
  const rest = orphans.length - LISTED;
  return [...orphans.slice(0, LISTED).map(line), ...(rest > 0 ? [`  and ${rest} more`] : [])];
}

function sizesOf(orphans: readonly Orphan[]): string {
  return sizeOf({
    count: orphans.reduce((sum, { objects }) => sum + objects, 0),
    bytes: orphans.reduce((sum, { bytes }) => sum + bytes, 0),
  });
}

function sizeOf({ count, bytes }: { readonly count: number; readonly bytes: number }): string {
  return `${countOf(count, 'object')}, ${bytesText(bytes)}`;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Rounded to what a person reads. */
function bytesText(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes >= size) return `${Math.round(bytes / size)}${unit}`;
  }
  return `${bytes}B`;
}
