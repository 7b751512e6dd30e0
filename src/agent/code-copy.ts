import { copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AgentError, messageOf } from './agent-error.ts';
import type { AgentLimits } from './agent-limits.ts';

const ENTRIES_PER_TURN = 200;

/**
 * Copies a bot's code to where it runs. Files that are there already are replaced, not written over, so that a program
 * that runs from there is not disturbed (contract 12.3 #55).
 *
 * @param stopped asked now and then; true ends the copying early
 * @throws AgentError `code-unavailable`: not readable, more than the limits allow, a link out of the code, a device
 */
export async function copyCode(
  source: string,
  target: string,
  limits: Pick<AgentLimits, 'codeBytes' | 'codeFiles'>,
  stopped: () => boolean,
): Promise<void> {
  const copy = { root: resolve(source), found: 0, done: 0, bytes: 0 };
  try {
    if (!statSync(copy.root).isDirectory()) throw refused(`${source} is not a directory`);
    // Depth first, without recursion: a hostile tree may be deep.
    const waiting = [copy.root];
    for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
      const to = join(target, relative(copy.root, from));
      const stat = lstatSync(from);
      if (stat.isDirectory()) {
        mkdirSync(to, { recursive: true });
        const names = readdirSync(from);
        copy.found += names.length;
        if (copy.found > limits.codeFiles) throw refused(`it has more than ${limits.codeFiles} files and folders`);
        for (const name of names) waiting.push(join(from, name));
      } else if (stat.isFile()) {
        copy.bytes += stat.size;
        if (copy.bytes > limits.codeBytes) throw refused(`it is larger than ${limits.codeBytes} bytes`);
        rmSync(to, { force: true });
        copyFileSync(from, to);
      } else if (stat.isSymbolicLink()) {
        copyLink(copy.root, from, to);
      } else {
        throw refused(`${relative(copy.root, from)} is neither a file, a directory nor a link`);
      }
      if (++copy.done % ENTRIES_PER_TURN === 0) await nextTurn();
      if (stopped()) return;
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('code-unavailable', `cannot copy the code of the bot: ${messageOf(error)}`, {
      detail: messageOf(error),
    });
  }
}

/** A link inside the code is kept; one that leads out would show the bot what is not its own. */
function copyLink(root: string, from: string, to: string): void {
  const destination = readlinkSync(from);
  const resolved = resolve(dirname(from), destination);
  if (destination.startsWith('/') || (resolved !== root && !resolved.startsWith(root + sep))) {
    throw refused(`the link ${relative(root, from)} leads out of the code`);
  }
  rmSync(to, { force: true });
  symlinkSync(destination, to);
}

function refused(detail: string): AgentError {
  return new AgentError('code-unavailable', `the code of the bot cannot be used: ${detail}`, { detail });
}
