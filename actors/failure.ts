import type { Change, Why } from './change.ts';
import { backoffMs } from './restart-policy.ts';

/**
 * The bot does not run although it should: it is tried again after the backoff, which may be none.
 * @param how `ended`: it ran, or began to. `not-started`: the engine did not start it; that is no restart
 */
export function fail(change: Change, because: Why, how: 'ended' | 'not-started'): void {
  const { draft, now, settings } = change;
  const { restart } = settings;
  // Health is reckoned here, not by a timer: a bot that runs costs nothing.
  if (draft.upSince > 0 && now - draft.upSince >= restart.healthyMs) draft.attempt = 0;
  draft.retryAt = now + backoffMs(restart, draft.id, draft.attempt, draft.incarnation);
  draft.attempt += 1;
  if (how === 'ended') draft.restarts += 1;
  draft.startCause = 'restart-after-crash';
  draft.launched = false;
  draft.upSince = 0;
  change.transition('backing-off', because);
}
