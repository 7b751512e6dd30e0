import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { withDescendants } from '../../src/agent/sync/bot-processes.ts';
import { privateBytes } from '../state/syncing-process.ts';

/** What a person expects of a sum of private memory. */
export const MB = 1_000_000;

/** Of a running container: its init first, then its agent, in the numbers of the host. */
export async function processesOf(container: Docker.Container): Promise<readonly number[]> {
  const { State } = await container.inspect();
  if (!State.Running) throw new Error(`a container has ended: ${await outputOf(container)}`);
  return withDescendants([State.Pid]);
}

/** The agent: the only child of its init. In MB. */
export async function agentMegabytes(container: Docker.Container): Promise<number> {
  const [, agent] = await processesOf(container);
  if (agent === undefined) throw new Error('a container has no agent');
  return privateBytes(agent) / MB;
}

/** Of all its processes together, in MB, in the order they were found. */
export async function megabytesOfEach(container: Docker.Container): Promise<readonly number[]> {
  return (await processesOf(container)).map((pid) => privateBytes(pid) / MB);
}

/** What it has printed. Both streams, without Docker's frames. */
export async function outputOf(container: Docker.Container): Promise<string> {
  const framed = await container.logs({ stdout: true, stderr: true });
  let text = '';
  for (let at = 0; at + 8 <= framed.length; ) {
    const end = at + 8 + framed.readUInt32BE(at + 4);
    text += framed.toString('utf8', at + 8, end);
    at = end;
  }
  return text;
}

export async function addressOf(container: Docker.Container): Promise<string> {
  const { NetworkSettings } = await container.inspect();
  const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '';
  if (address === '') throw new Error('a container has no address');
  return address;
}

/** @throws Error when it does not come within so long */
export async function until<Found>(
  what: string,
  look: () => Promise<Found | null>,
  timeoutMs = 60_000,
  everyMs = 100,
): Promise<Found> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(everyMs);
  }
}
