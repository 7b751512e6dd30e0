import { connect, isIP, type Socket } from 'node:net';
import { errnoOf } from '../../errno.ts';
import type { Endpoint } from '../s3-api/endpoint.ts';
import { ConnectionFailure } from './connection-failure.ts';

/** @throws ConnectionFailure */
export async function openSocket(
  endpoint: Endpoint,
  ssl: boolean,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const { host, port } = endpoint;
  let socket: Socket;
  if (ssl) {
    // Loaded when first needed: memory in every agent.
    const tls = await import('node:tls');
    socket = tls.connect({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
    });
  } else {
    socket = connect({ host, port });
  }
  socket.setNoDelay(true);
  const ready = ssl ? 'secureConnect' : 'connect';
  let stopWaiting = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string, cause?: unknown) =>
        reject(new ConnectionFailure(`${endpoint.authority} cannot be reached (${why})`, { unanswered: true, cause }));
      const onReady = () => resolve();
      const onError = (error: Error) => fail(errnoOf(error) ?? 'unknown', error);
      const onClose = () => fail('closed');
      const onAbort = () => fail('aborted');
      const timer = setTimeout(() => fail(`no connection within ${timeoutMs} ms`), timeoutMs);
      socket.once(ready, onReady).once('error', onError).once('close', onClose);
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
      stopWaiting = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        socket.off(ready, onReady).off('error', onError).off('close', onClose);
      };
    });
    return socket;
  } catch (error) {
    // It may still fail when nobody waits for it any more.
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  } finally {
    stopWaiting();
  }
}
