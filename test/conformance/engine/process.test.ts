import { processHarness } from './process-harness.ts';
import { engineSuite } from './suite.ts';

engineSuite('process', { skip: false }, processHarness);
