import type { ContainerFacts, Endpoint } from '../../../actors/observation.ts';
import type { ContainerInspection, ContainerSummary } from './docker-api.ts';

/** What matters of a container, out of Docker's list or its inspection. Times are Docker's clock, in milliseconds. */
export interface ContainerView {
  readonly phase: ContainerFacts['phase'];
  /** `docker pause`. */
  readonly paused: boolean;
  readonly address: string | null;
  /** 0 when not known (the list does not tell) or never. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
}

export function viewOfInspection({ State: state, NetworkSettings: network }: ContainerInspection): ContainerView {
  return {
    phase: phaseOf(state.Status),
    paused: isPaused(state.Status),
    address: addressOf(network.Networks),
    startedAt: timeOf(state.StartedAt),
    finishedAt: timeOf(state.FinishedAt),
    exitCode: state.ExitCode,
    outOfMemory: state.OOMKilled,
  };
}

export function phaseOfSummary(summary: ContainerSummary): ContainerFacts['phase'] {
  return phaseOf(summary.State);
}

export function isPaused(status: string): boolean {
  return status === 'paused';
}

export function addressOfSummary(summary: ContainerSummary): string | null {
  return addressOf(summary.NetworkSettings?.Networks);
}

export function endpointOf(view: Pick<ContainerView, 'phase' | 'address'>, queryPort: number | null): Endpoint | null {
  if (view.phase !== 'running' || view.address === null || queryPort === null) return null;
  return { host: view.address, port: queryPort };
}

/** `paused` and `restarting` hold the bot's place and its memory, so they count as running; `dead` and `removing` are over. */
function phaseOf(status: string): ContainerFacts['phase'] {
  switch (status) {
    case 'created':
      return 'created';
    case 'running':
    case 'paused':
    case 'restarting':
      return 'running';
    default:
      return 'exited';
  }
}

function addressOf(networks: Readonly<Record<string, { IPAddress: string } | null>> | undefined): string | null {
  for (const network of Object.values(networks ?? {})) {
    if (network !== null && network.IPAddress !== '') return network.IPAddress;
  }
  return null;
}

/** Docker writes the year 1 for "never". */
function timeOf(text: string): number {
  const time = Date.parse(text);
  return Number.isNaN(time) || time < 0 ? 0 : time;
}
