/**
 * Query servers that fail: one never answers, one hangs up on every request, and one port on which nothing listens.
 *
 *     node odd-bots.ts     prints {"hung":…,"dying":…,"refusing":…}
 */
import { createServer, type Socket } from 'node:net';

const hung = await listen(() => {});
const dying = await listen((socket) => socket.once('data', () => socket.destroy()));
const refusing = await listen(() => {});
await new Promise((resolve) => refusing.server.close(resolve));
console.log(JSON.stringify({ hung: hung.port, dying: dying.port, refusing: refusing.port }));

async function listen(
  onConnection: (socket: Socket) => void,
): Promise<{ server: ReturnType<typeof createServer>; port: number }> {
  const server = createServer((socket) => {
    // Whoever asks may hang up at any time.
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}
