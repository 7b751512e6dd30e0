import { type Change, why } from './change.ts';
import type { LedgerDoneMessage, LedgerFailedMessage } from './message.ts';
import { printable } from './printable.ts';
import { reconcile } from './reconcile.ts';
import { type LedgerRequest, openRun, type ScheduleRecord } from './run-record.ts';

/** What came of it is in the record, also when the answer is to something that was not carried out. */
export function onLedgerDone(change: Change, { ask, record }: LedgerDoneMessage): void {
  if (change.draft.schedule?.asking?.ask !== ask) return;
  const { draft, now, settings } = change;
  const request = change.schedule.asking?.request;
  const wasPlan = request?.op === 'plan';
  const inVain = request !== undefined && isInVain(request, record);
  change.plan({ asking: null, record, unsure: false, ...(wasPlan ? { replan: false } : {}) });
  if (draft.state === 'backing-off') draft.retryAt = 0;
  if (inVain) draft.retryAt = now + settings.dependencyRetryMs;
  reconcile(change);
}

/**
 * Nothing has come of it, nor of anything else, and to ask the same again at once would only go on like this: the bot was
 * disabled while its claim waited, or is not in the ledger any more, and this actor has not heard of it yet.
 */
function isInVain(request: LedgerRequest, record: ScheduleRecord | null): boolean {
  switch (request.op) {
    case 'claim':
      return openRun(record) === null && (record === null || record.next === request.expected);
    case 'plan':
      return record === null || record.next !== request.next;
    default:
      return false;
  }
}

/** It may have been carried out all the same, so the ledger is read before anything else. What runs goes on. */
export function onLedgerFailed(change: Change, { ask, detail }: LedgerFailedMessage): void {
  const { draft, now, settings } = change;
  if (draft.schedule?.asking?.ask !== ask) return;
  const unsure = change.schedule.unsure || change.schedule.asking?.request.op === 'claim';
  change.plan({ asking: null, record: undefined, unsure });
  draft.retryAt = now + settings.dependencyRetryMs;
  const away = why('ledger-unavailable', { detail: printable(detail) });
  if (draft.state !== 'running' && draft.state !== 'stopping' && !change.isAlready('backing-off', away)) {
    change.transition('backing-off', away);
  }
  reconcile(change);
}

/** `due`: see what the time has brought. `ledger`: its answer is lost, or later than it is good for. */
export function onScheduleTimer(change: Change, name: 'due' | 'ledger'): void {
  const { draft, now } = change;
  if (draft.schedule === null) return;
  if (name === 'due') change.plan({ dueAt: 0 });
  else {
    const { asking, unsure } = draft.schedule;
    if (asking === null) return;
    if (asking.deadlineAt > now) {
      // The clock was set back.
      change.plan({ asking: { ...asking, deadlineAt: Math.min(asking.deadlineAt, now + patienceMs(change)) } });
      return;
    }
    change.plan({ asking: null, record: undefined, unsure: unsure || asking.request.op === 'claim' });
  }
  reconcile(change);
}

function patienceMs({ settings }: Change): number {
  return settings.schedule.ledgerDeadlineMs;
}
