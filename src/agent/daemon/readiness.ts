import { createServer } from 'node:http';
import { AgentError, messageOf } from '../agent-error.ts';

export interface Readiness {
  /** From now on `/readyz` answers 200. */
  ready(): void;
  close(): void;
}

/** `/healthz` and `/readyz` on all interfaces (contract 7.1, 5.3). @throws AgentError when the port cannot be had */
export async function serveReadiness(port: number): Promise<Readiness> {
  let isReady = false;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const status = path === '/healthz' ? 200 : path === '/readyz' ? (isReady ? 200 : 503) : 404;
    response.writeHead(status, { 'content-type': 'text/plain' }).end(status === 200 ? 'ok\n' : `${status}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const detail = `port ${port} cannot be used: ${messageOf(error)}`;
      reject(new AgentError('environment-incomplete', detail, { variable: '--readiness-port' }));
    });
    server.listen(port, resolve);
  });
  return {
    ready: () => {
      isReady = true;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
