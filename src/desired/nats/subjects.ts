import type { BotKind } from '../../../actors/bot-spec.ts';
import type { LifecycleChange } from '../lifecycle-event.ts';

/** Contract 3.1. The stream is made by the API, never by the runtime. */
export const STREAM = 'THE0_EVENTS';
/** As the Go runtime's, so that of two runtimes beside each other one gets an event. */
export const QUEUE_GROUP = 'runtime';

/** Lifecycle events of one kind; live logs (`the0.bot.logs.<id>`) have one word more. */
export const SUBJECTS: Readonly<Record<BotKind, string>> = {
  realtime: 'the0.bot.*',
  scheduled: 'the0.bot-schedule.*',
};

/** Name of the durable consumer. */
export const DURABLES: Readonly<Record<BotKind, string>> = {
  realtime: 'the0-bot-runner',
  scheduled: 'the0-bot-scheduler',
};

/** Null for a subject that is no lifecycle event. */
export function changeOf(subject: string): LifecycleChange['change'] | null {
  const change = subject.slice(subject.lastIndexOf('.') + 1);
  return change === 'created' || change === 'updated' || change === 'deleted' ? change : null;
}
