import { createServer } from 'node:net';
import { PortInUse, PortUnusable } from './query-errors.ts';

/**
 * Makes sure that nobody listens on the port, and says why when it cannot be had. uWebSockets.js gives no cause; worse, as
 * its threads share a port (SO_REUSEPORT), a second runtime could join in and take half of the queries. A plain bind is
 * refused in both cases.
 *
 * @returns the port; a free one when `port` is 0
 * @throws PortInUse, PortUnusable
 */
export function probePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      const failure =
        code === 'EADDRINUSE'
          ? new PortInUse(host, port, { cause: error })
          : new PortUnusable(host, port, error.message, { cause: error });
      reject(failure);
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address();
      const bound = address !== null && typeof address === 'object' ? address.port : port;
      probe.close(() => resolve(bound));
    });
  });
}
