import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../../simulation/random.ts';
import { listTree } from '../../storage/archive/other-readers.ts';
import type { Journal } from './journal.ts';
import type { StoredBot } from './stored-bot.ts';

const STATE_KEYS = '.the0-state';
const MOST_ARCHIVE_BYTES = 2 ** 28;

/** What the API does to a stored state (contract 4.5): one key goes, and with it whatever is no key; or all of it goes. */
export async function editAsApi(stored: StoredBot, journal: Journal, random: Random): Promise<void> {
  const archive = await stored.archive();
  if (archive === null) return;
  const directory = mkdtempSync(join(tmpdir(), 'the0-api-'));
  try {
    execFileSync('tar', ['-xzf', '-', '-C', directory], { input: archive });
    const all = listTree(directory).map(({ name }) => name);
    const keys = all.includes(STATE_KEYS) ? readdirSync(join(directory, STATE_KEYS)) : [];
    const [doomed] = keys;
    if (doomed === undefined && random.chance(0.5)) return;
    if (doomed !== undefined) rmSync(join(directory, STATE_KEYS, doomed));
    const isGone = keys.length <= 1 || random.chance(0.3);
    const left = isGone ? [] : listTree(join(directory, STATE_KEYS)).map(({ name }) => `${STATE_KEYS}/${name}`);
    journal.removedByOthers(all.filter((name) => !left.includes(name) && (isGone || name !== STATE_KEYS)));
    if (isGone) return await stored.removeState();
    const edited = execFileSync('tar', ['-czf', '-', '-C', directory, STATE_KEYS], { maxBuffer: MOST_ARCHIVE_BYTES });
    // It compares the version shortly before, which leaves a gap: here there is nothing but the gap.
    await stored.putState(edited);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
