import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MOST_BYTES = 64 * 1024;
/** File times are taken from a clock that ticks, so they can lie a little before now. */
const CLOCK_TICK_MS = 20;

/**
 * What the bot gave as its error: an SDK's `error()` and the wrappers write it to `<code>/result.json` (contract 10.2), and
 * it says more than the last line of a log. Undefined when there is none from this run.
 */
export function errorInResultFile(codePath: string, startedAt: number): string | undefined {
  const path = join(codePath, 'result.json');
  try {
    const stat = statSync(path);
    // A pipe would be read until somebody writes to it.
    if (!stat.isFile() || stat.mtimeMs < startedAt - CLOCK_TICK_MS || stat.size > MOST_BYTES) return undefined;
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null || !('status' in value) || !('message' in value)) return undefined;
    return value.status === 'error' && typeof value.message === 'string' ? value.message : undefined;
  } catch {
    return undefined; // no such file, or a bot's own idea of one
  }
}
