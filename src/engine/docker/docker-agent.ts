import http from 'node:http';
import https from 'node:https';
import process from 'node:process';
import { inspect } from 'node:util';

/**
 * The sockets to Docker, encrypted when the environment says so.
 *
 * The client library (docker-modem 5) describes everything about each request for its debug log, whether that is on or not.
 * With the agent that is all its sockets: half a millisecond and more on the way of every restart. So it has a short description.
 */
export function dockerAgent(maxSockets: number, keepAlive: boolean): http.Agent {
  const host = process.env['DOCKER_HOST'] ?? '';
  const encrypted = host.startsWith('tcp:') && (process.env['DOCKER_TLS_VERIFY'] === '1' || host.endsWith(':2376'));
  const agent = encrypted ? new https.Agent({ keepAlive, maxSockets }) : new http.Agent({ keepAlive, maxSockets });
  return Object.assign(agent, { [inspect.custom]: () => `agent of at most ${maxSockets} sockets` });
}
