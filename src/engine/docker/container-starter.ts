import type { BotDefinition } from '../../desired/bot-definition.ts';
import { EngineError, type StartRequest } from '../container-engine.ts';
import { containerOptions, type ContainerTemplate } from './bot-container.ts';
import { prepareDirectories } from './bot-directories.ts';
import type { BotImage } from './bot-image.ts';
import type { BotNetwork } from './bot-network.ts';
import type { ContainerLedger } from './container-ledger.ts';
import { readLabels } from './container-labels.ts';
import { containerName } from './container-name.ts';
import type { ContainerInspection, DockerApi } from './docker-api.ts';
import { isUnreachable, statusOf } from './docker-errors.ts';
import { clearTerminationLog } from './termination-log.ts';
import { TrackedContainer } from './tracked-container.ts';

/**
 * Brings a bot's container to run, at most one per bot.
 *
 *     in place?  ── start it again ──► runs
 *        │ gone, of another revision, or Docker refuses
 *        ▼
 *     create ──► start ──► runs          (a start that fails removes what was created)
 *        │ name taken
 *        ▼
 *     look at the holder: same revision and running ► take it · ours ► remove, create once more · foreign ► `name-taken`
 */
export class ContainerStarter {
  readonly #parts: {
    readonly api: DockerApi;
    readonly ledger: ContainerLedger;
    readonly template: ContainerTemplate;
    readonly image: BotImage;
    readonly network: BotNetwork;
    readonly shapeRevision: string;
  };

  constructor(parts: ContainerStarter['__parts']) {
    this.#parts = parts;
  }
}
