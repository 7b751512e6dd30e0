import { needsDocker } from '../../services/docker.ts';
import { dockerHarness } from './docker-harness.ts';
import { engineSuite } from './suite.ts';

engineSuite('docker', { ...(await needsDocker()), adopts: true, sharesNames: true, concurrency: 4 }, dockerHarness);
