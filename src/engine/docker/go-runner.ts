import { hostname } from 'node:os';
import { EngineError } from '../container-engine.ts';
import type { ContainerSummary, DockerApi } from './docker-api.ts';

/** In our own image, which has the same commands (images/runtime/Dockerfile). */
const OWN_TITLE = 'the0-runtime';

/**
 * Two runtimes would stop each other's bots, so the new one does not start beside the old. Found where it runs in a container
 * of this engine; one that runs elsewhere shows by the containers it makes.
 * @throws EngineError `rejected`
 */
export async function refuseBesideGoRunner(api: DockerApi): Promise<void> {
  const found = (await api.running()).filter(isGoRunner);
  const [first] = found;
  if (first === undefined) return;
  const name = (first.Names[0] ?? first.Id.slice(0, 12)).replace(/^\//, '');
  const detail = `the bot-runner of the Go runtime still runs in the container ${name}`;
  throw new EngineError(
    { code: 'rejected', facts: { detail } },
    `Two runtimes must not keep the same bots, and ${detail}. End it with "docker kill ${name}" (not "stop": on SIGTERM it ` +
      'stops every bot), make sure that nothing starts it again, and start this one once more.',
  );
}

function isGoRunner({ Id, Command, Labels }: ContainerSummary): boolean {
  if (Id.startsWith(hostname()) || Labels['org.opencontainers.image.title'] === OWN_TITLE) return false;
  return /(?:^|[\s"])bot-runner(?:$|[\s"])/.test(Command);
}
