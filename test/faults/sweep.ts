/**
 * Long searches for what goes wrong when things break: `npm run faults` around the agent of a bot (agent/sweep.ts),
 * `npm run faults -- --services` around the runtime and the services it needs (services/sweep.ts). Their flags are told there.
 */
import process from 'node:process';

await (process.argv.includes('--services') ? import('./services/sweep.ts') : import('./agent/sweep.ts'));
