import type { BotDefinition } from '../../desired/bot-definition.ts';
import { EngineError } from '../container-engine.ts';
import type { DockerApi } from './docker-api.ts';

/**
 * The Go scheduler notes the next time of a bot only when a run has ended (contract 5.9): one that is under way while it is
 * replaced looks due, and must not be begun a second time.
 * @throws EngineError `name-taken` while one of this bot runs
 */
export async function refuseBesideGoRun(
  api: DockerApi,
  { id, entrypoint }: Pick<BotDefinition, 'id' | 'entrypoint'>,
): Promise<void> {
  const labels = ['runtime.managed=true', 'runtime.type=scheduled', `runtime.id=${id}`];
  const found = await api.list([...labels, `runtime.entrypoint=${entrypoint}`]);
  const run = found.find(({ State, Labels }) => State === 'running' && Labels['the0.role'] === undefined);
  if (run === undefined) return;
  const containerId = run.Id.slice(0, 12);
  throw new EngineError(
    { code: 'name-taken', facts: { containerId, owner: 'the Go runtime' } },
    `Bot ${id} cannot be started: the container ${containerId} of the Go runtime still runs it.`,
  );
}
