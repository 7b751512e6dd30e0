/**
 * What the agent beside each bot costs, in containers made as the Docker engine makes them, with a real object store and
 * NATS: memory, time to the bot's first instruction, time from a write into the state to its upload.
 *
 *   node bench/agent.ts [--part memory|container|start|upload] [--json] [--short]
 *
 * Without --part: all of them. Measures the image that the settings name (`npm run image` builds it).
 */
import { agentMemory } from './agent/agent-memory.ts';
import { start } from './agent/start.ts';
import { upload } from './agent/upload.ts';
import { wholeContainer } from './agent/whole-container.ts';
import { measureParts } from './parts.ts';

await measureParts({
  memory: agentMemory,
  container: wholeContainer,
  start,
  upload,
});
