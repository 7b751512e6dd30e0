/**
 * The *remains* of a bot: processes of it that run although its agent is gone. Two ways to know them, and no other:
 *
 *   group leaders from the notes, by pid and start time    → their whole process group
 *   processes that carry the bot's environment (Linux)     → each by itself: what left the group (setsid, detached)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from '../../agent/process-identity.ts';
import { errnoOf } from '../../errno.ts';

export interface Traces {
  /** Leaders of process groups. */
  readonly groups: readonly ProcessIdentity[];
  /** Entries of the environment, like `BOT_ID=x`, that together only processes of this bot have; empty: do not look. */
  readonly environment: readonly string[];
}

export interface EndWaits {
  /** Between SIGTERM and SIGKILL; 0 sends SIGKILL at once. */
  readonly graceMs: number;
  /** How long to wait for the end after SIGKILL. */
  readonly killMs: number;
}

const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 100;

/**
 * Ends what remains of these bots, all at once: SIGTERM, SIGKILL after the grace.
 * @returns pids that still run after `killMs` (a process stuck in the kernel)
 */
export async function endRemains(traces: readonly Traces[], waits: EndWaits): Promise<number[]> {
  if (waits.graceMs > 0) {
    const groups = livingGroups(traces);
    await signalUntilGone(traces, 'SIGTERM', waits.graceMs);
    // A leader that obeyed may leave members that did not, and without it they are harder to know.
    for (const group of groups) send(group, 'SIGKILL');
  }
  return await signalUntilGone(traces, 'SIGKILL', waits.killMs);
}

async function signalUntilGone(traces: readonly Traces[], signal: NodeJS.Signals, forMs: number): Promise<number[]> {
  const deadline = performance.now() + forMs;
  const signalled = new Set<number>();
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 2, LAST_LOOK_MS)) {
    const left = findRemains(traces);
    // SIGTERM once each; a process that forks while it is killed leaves new ones, which the next look finds.
    for (const target of left) {
      if (signal === 'SIGKILL' || !signalled.has(target)) send(target, signal);
      signalled.add(target);
    }
    if (left.length === 0 || performance.now() >= deadline) return left.map(Math.abs);
    await sleep(lookMs);
  }
}

/** Targets for kill(2): negative for a process group. */
function findRemains(traces: readonly Traces[]): number[] {
  return [
    ...livingGroups(traces),
    ...findByEnvironment(traces.flatMap(({ environment }) => (environment.length > 0 ? [environment] : []))),
  ];
}

function livingGroups(traces: readonly Traces[]): number[] {
  return traces.flatMap(({ groups }) => groups.filter(isAlive).map(({ pid }) => -pid));
}

function findByEnvironment(wanted: readonly (readonly string[])[]): number[] {
  if (wanted.length === 0 || process.platform !== 'linux') return [];
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const entries = environmentOf(pid);
    if (entries.size === 0 || !wanted.some((environment) => environment.every((entry) => entries.has(entry)))) continue;
    if (identityOf(pid) !== null) found.push(pid);
  }
  return found;
}

/** Empty for a process that is gone, a kernel thread, or not ours to look at. */
function environmentOf(pid: number): ReadonlySet<string> {
  try {
    return new Set(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'));
  } catch {
    // Whatever cannot be read is nobody we started: those run as our own user.
    return new Set();
  }
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // ESRCH: it ended between the look and the signal, as wanted. EPERM: it runs as another user by now; the caller is
    // told that it is left.
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error;
  }
}
