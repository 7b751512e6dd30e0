import type { Runtime } from './runtime.ts';

const LOOK_MS = 500;
/** Whoever makes a bot's folder writes its `bot.json` a little later. */
const IGNORED_FOR_MS = 3_000;

/**
 * Says when the runtime gets into trouble, and when it is out of it. A count that grows within a sentence is no news. What lies
 * where bots are and is none is said once; what is so at the start, at once.
 * @returns what ends it
 */
export function tellTroubles(
  runtime: Pick<Runtime, 'troubles' | 'ignored'>,
  notice: (level: 'INFO' | 'WARN' | 'ERROR', sentence: string) => void,
): () => void {
  let known = new Map<string, string>();
  /** By sentence: looks left until it is said; 0: it was. */
  let ignored = new Map<string, number>();
  const look = (looks: number) => {
    const now = new Map(runtime.troubles.map((trouble) => [trouble.replaceAll(/\d+/g, '#'), trouble]));
    for (const [kind, trouble] of now) if (!known.has(kind)) notice('ERROR', trouble);
    for (const [kind, trouble] of known) if (!now.has(kind)) notice('INFO', `No longer so: ${trouble}`);
    known = now;
    ignored = new Map(
      [...runtime.ignored.values()].map((sentence) => {
        const left = (ignored.get(sentence) ?? looks + 1) - 1;
        if (left === 0) notice('WARN', `Not a bot: ${sentence}.`);
        return [sentence, Math.max(left, 0)];
      }),
    );
  };
  look(0);
  const timer = setInterval(() => look(IGNORED_FOR_MS / LOOK_MS), LOOK_MS);
  return () => clearInterval(timer);
}
