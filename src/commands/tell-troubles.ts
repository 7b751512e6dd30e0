import type { Runtime } from './runtime.ts';

const LOOK_MS = 500;

/**
 * Says when the runtime gets into trouble, and when it is out of it. A count that grows within a sentence is no news.
 * @returns what ends it
 */
export function tellTroubles(
  runtime: Runtime,
  notice: (level: 'INFO' | 'ERROR', sentence: string) => void,
): () => void {
  let known = new Map<string, string>();
  const timer = setInterval(() => {
    const now = new Map(runtime.troubles.map((trouble) => [trouble.replaceAll(/\d+/g, '#'), trouble]));
    for (const [kind, trouble] of now) if (!known.has(kind)) notice('ERROR', trouble);
    for (const [kind, trouble] of known) if (!now.has(kind)) notice('INFO', `No longer so: ${trouble}`);
    known = now;
  }, LOOK_MS);
  return () => clearInterval(timer);
}
