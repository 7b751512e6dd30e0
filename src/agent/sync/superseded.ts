import { AgentError } from '../agent-error.ts';

/** Two starts of one bot must not overwrite each other's state: the earlier one ends (design 8). */
export function superseded(): AgentError {
  const message =
    'a later start of this bot has stored its state, so this one ends: is another runtime running it, too?';
  return new AgentError('state-superseded', message, {});
}
