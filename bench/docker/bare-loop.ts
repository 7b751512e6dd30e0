/**
 * The floors Docker figures are compared with: the smallest programs that do the same over the same API, without actors,
 * journal or supervision.
 */
import type Docker from 'dockerode';

/** Creates and starts containers, `width` at a time. @returns milliseconds until all were started */
export async function createAndStartAll(
  docker: Docker,
  specs: readonly Docker.ContainerCreateOptions[],
  width: number,
): Promise<number> {
  const begun = performance.now();
  const queue = [...specs];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let spec = queue.shift(); spec !== undefined; spec = queue.shift()) {
        const container = await docker.createContainer(spec);
        await container.start();
      }
    }),
  );
  return performance.now() - begun;
}

/** "die event, start again in place", nothing else. @returns a function that ends the loop */
export async function restartOnDie(docker: Docker, label: string): Promise<() => void> {
  return await followDeaths(docker, label, (id) => {
    docker
      .getContainer(id)
      .start()
      .catch(() => {
        // The bench removes containers while the loop still runs.
      });
  });
}

/** @param died called in the turn in which the event comes @returns a function that ends it */
export async function followDeaths(docker: Docker, label: string, died: (id: string) => void): Promise<() => void> {
  const stream = await docker.getEvents({ filters: { type: ['container'], event: ['die'], label: [label] } });
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    rest += chunk.toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event: unknown = JSON.parse(line);
      if (typeof event === 'object' && event !== null && 'id' in event && typeof event.id === 'string') died(event.id);
    }
  });
  return () => {
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
  };
}
