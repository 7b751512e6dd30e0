import { hostname } from 'node:os';
import type { BotKind } from '../../../actors/bot-spec.ts';
import { EngineError } from '../container-engine.ts';
import type { ContainerSummary, DockerApi } from './docker-api.ts';

/** In our own image, which has the same commands (images/runtime/Dockerfile). */
const OWN_TITLE = 'the0-runtime';

/**
 * Two runtimes would stop each other's bots, so the new one does not start beside the old. Found where it runs in a container
 * of this engine; one that runs elsewhere shows by the containers it makes.
 * @throws EngineError `rejected`
 */
export async function refuseBesideGoRunner(api: DockerApi, kinds: readonly BotKind[]): Promise<void> {
  const running = await api.running();
  const found = kinds.flatMap((kind) =>
    running.filter((one) => isOfGo(one, KEEPER[kind])).map((one) => ({ ...one, kind })),
  );
  const [first] = found;
  if (first === undefined) return;
  const name = (first.Names[0] ?? first.Id.slice(0, 12)).replace(/^\//, '');
  const detail = `the ${KEEPER[first.kind]} of the Go runtime still runs in the container ${name}`;
  throw new EngineError(
    { code: 'rejected', facts: { detail } },
    `Two runtimes must not keep the same bots, and ${detail}. End it with "docker kill ${name}" (not "stop": on SIGTERM it ` +
      'stops bots), make sure that nothing starts it again, and start this one once more.',
  );
}

const KEEPER: Readonly<Record<BotKind, string>> = { realtime: 'bot-runner', scheduled: 'bot-scheduler' };

function isOfGo({ Id, Command, Labels }: ContainerSummary, command: string): boolean {
  if (Id.startsWith(hostname()) || Labels['org.opencontainers.image.title'] === OWN_TITLE) return false;
  return Command.split(/[\s"]+/).includes(command);
}
