import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Of Linux: it has no file, and is free again when its process is gone. */
const NAME = '\0the0-take-over-tests';
const PAUSE_MS = 100;

/**
 * Whoever takes over from the Go runtime takes all of its containers on the engine. So tests that do, or that make such
 * containers, run one after the other, also those of other files and clones.
 * @returns what ends the turn
 */
export async function takeOverTurn(): Promise<() => void> {
  for (;;) {
    const server = net.createServer();
    try {
      await once(server.listen(NAME), 'listening');
      return () => void server.close();
    } catch {
      // Somebody else has the turn.
      await sleep(PAUSE_MS);
    }
  }
}
