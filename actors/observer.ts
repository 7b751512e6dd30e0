import type { BotActorState } from './bot-actor-state.ts';
import { Change, why } from './change.ts';
import type { BotMessage } from './message.ts';
import type { Observation } from './observation.ts';
import type { BotStep } from './realtime-bot.ts';
import type { BotActorSettings } from './settings.ts';
import { statusOf } from './status.ts';

/**
 * An actor in a process that owns no bots, such as one that only answers queries: it sees what runs and says where queries
 * go. Nothing it asks for changes anything: there is no start, stop, removal, claim or record of a run in this file, and
 * whatever it is told, what it sees is believed only if it is not older than what it has seen.
 */
export function observe(state: BotActorState, message: BotMessage, now: number, settings: BotActorSettings): BotStep {
  if (message.kind === 'question') {
    return { state, effects: [{ kind: 'answer', askId: message.askId, status: statusOf(state) }] };
  }
  const change = new Change(state, now, settings);
  const { draft } = change;
  if (draft.since === 0) draft.since = now;
  draft.obstacle = null;
  switch (message.kind) {
    case 'desired':
      draft.spec = message.spec;
      draft.wish = 'desired';
      show(change);
      break;
    case 'removed':
      draft.wish = message.cause === 'unknown' ? 'orphan' : 'deleted';
      if (draft.wish === 'deleted') forget(change);
      else show(change);
      break;
    case 'observed':
      see(change, message.observation);
      show(change);
      break;
    // Of the look that follows a failure of this actor, the one thing it asks for.
    case 'effect-done':
      draft.inFlight = null;
      see(change, message.observation);
      show(change);
      break;
    case 'effect-failed':
      draft.inFlight = null;
      break;
    case 'timer':
      change.fired(message.name);
      draft.inFlight = null;
      break;
    // What these are about is not asked for here. A command is for the process that owns the bot.
    case 'ledger-done':
    case 'ledger-failed':
    case 'dependency':
    case 'command':
      break;
  }
  return change.finish();
}

function see({ draft, now }: Change, { container, at }: Observation): void {
  // What was seen at a time to come was seen before the clock was set back.
  if (at < draft.knownUntil && draft.knownUntil <= now) return;
  draft.knownUntil = at;
  draft.seen = container;
  draft.inDoubt = false;
  if (container !== null) draft.lastIncarnation = Math.max(draft.lastIncarnation, container.incarnation);
}

function show(change: Change): void {
  const { draft } = change;
  if (draft.seen === undefined) return;
  const runs = draft.seen?.phase === 'running' && !draft.seen.paused;
  draft.incarnation = draft.seen?.incarnation ?? draft.incarnation;
  const [to, because] = runs
    ? (['running', why('seen-running')] as const)
    : (['stopped', why('seen-not-running')] as const);
  if (!change.isAlready(to, because)) change.transition(to, because);
  if (draft.wish === 'orphan' && draft.seen === null) change.end();
}

/** Nobody desires the bot: whoever owns it ends it, and no query goes there from here on. */
function forget(change: Change): void {
  const { draft } = change;
  draft.seen = null;
  show(change);
  change.end();
}
