/**
 * One writer per object, among all processes, also where one cannot see the other (containers). A lock is a symbolic link
 * whose target is the name of its holder's unfinished file:
 *
 *   state.tar.gz%lock ─► %tmp-6f1c…        made in one step, or not at all
 *
 * Contents are written before the lock is taken, so it is held for a check and a rename: one that does not change for
 * seconds belongs to a process that died or is frozen. Whoever takes it away first removes the unfinished file, so a
 * holder that wakes up has nothing left to rename.
 */
import { randomUUID } from 'node:crypto';
import { readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../errno.ts';
import { monotonicMs } from '../monotonic-clock.ts';
import { lockPath, TEMPORARY } from './object-path.ts';

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

interface LockLimits {
  readonly lockWaitMs: number;
  readonly lockStaleMs: number;
}

export interface ObjectLock {
  release(): Promise<void>;
}

/**
 * Waits for its turn.
 * @param unfinished the holder's file beside the object, which is only renamed while the lock is held
 * @returns null when the wait is over without success
 */
export async function lockObject(
  objectFile: string,
  unfinished: string,
  limits: LockLimits,
): Promise<ObjectLock | null> {
  const lock = lockPath(objectFile);
  const mine = basename(unfinished);
  const deadline = monotonicMs() + limits.lockWaitMs;
  let holder: string | null = null;
  let holderSince = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    if (await make(lock, mine)) return { release: () => release(lock, mine) };
    const now = monotonicMs();
    const found = await holderOf(lock);
    if (found !== holder) {
      holder = found;
      holderSince = now;
    }
    if (found !== null && now - holderSince > limits.lockStaleMs) {
      await takeAway(lock, found);
      continue;
    }
    if (now > deadline) return null;
    await sleep(pauseMs);
  }
}

async function make(lock: string, target: string): Promise<boolean> {
  try {
    await symlink(target, lock);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(lock: string): Promise<string | null> {
  try {
    return await readlink(lock);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Of two that do this at once, the slower one may catch the next holder's lock: then that one's file goes too, and it fails. */
async function takeAway(lock: string, stale: string): Promise<void> {
  await removeUnfinished(lock, stale);
  const aside = join(dirname(lock), `${TEMPORARY}${randomUUID()}`);
  try {
    await rename(lock, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  const taken = await readlink(aside);
  if (taken !== stale) await removeUnfinished(lock, taken);
  await rm(aside, { force: true });
}

async function removeUnfinished(lock: string, name: string): Promise<void> {
  // Whoever can write here could link to anything.
  if (name.startsWith(TEMPORARY) && !name.includes('/')) await rm(join(dirname(lock), name), { force: true });
}

async function release(lock: string, mine: string): Promise<void> {
  if ((await holderOf(lock)) === mine) await rm(lock, { force: true });
}
