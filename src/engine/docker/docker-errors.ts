import type { EngineFailure } from '../../../actors/message.ts';
import { errnoOf } from '../../errno.ts';
import { EngineError } from '../container-engine.ts';

/** A call that Docker did not answer in time. */
export class DockerTimeout extends Error {
  readonly code = 'docker-timeout';
  constructor(operation: string, deadlineMs: number) {
    super(`no answer to "${operation}" within ${deadlineMs} ms`);
    this.name = 'DockerTimeout';
  }
}

const LONGEST_DETAIL = 400;

/** Codes of Node with which a request never reached the engine, or its answer never came back. */
const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'EACCES',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/** HTTP status of an answer that dockerode turned into an error; null when there was no answer. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  return typeof error.statusCode === 'number' ? error.statusCode : null;
}

/** What Docker said, in one short line; without the words the client library puts before it, which are often wrong. */
export function detailOf(error: unknown): string {
  return (answerOf(error) ?? (error instanceof Error ? error.message : String(error)))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST_DETAIL);
}

function answerOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('json' in error)) return null;
  const { json } = error;
  if (typeof json !== 'object' || json === null || !('message' in json)) return null;
  return typeof json.message === 'string' ? json.message : null;
}

/** @param during what was being done and to which bot, for example `starting bot abc` */
export function toEngineError(error: unknown, during: string): EngineError {
  if (error instanceof EngineError) return error;
  const detail = detailOf(error);
  if (isUnreachable(error)) {
    return new EngineError(
      { code: 'unreachable', facts: { detail } },
      `${during}: Docker cannot be reached (${detail}). ${hint(error)}`,
      {
        cause: error,
      },
    );
  }
  const failure: EngineFailure = { code: 'rejected', facts: { detail } };
  return new EngineError(failure, `${during}: Docker refused (${detail}).`, { cause: error });
}

export function isUnreachable(error: unknown): boolean {
  if (error instanceof EngineError) return error.failure.code === 'unreachable';
  if (error instanceof DockerTimeout) return true;
  if (statusOf(error) !== null) return statusOf(error) === 502 || statusOf(error) === 503;
  return CONNECTION_CODES.has(errnoOf(error) ?? '');
}

/** A call that had no answer in time: it may be about one container only, and Docker answers others. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DockerTimeout || (error instanceof EngineError && error.cause instanceof DockerTimeout);
}

function hint(error: unknown): string {
  if (error instanceof DockerTimeout) return 'It is running but very slow, or it hangs; see its log.';
  if (errnoOf(error) === 'EACCES') return 'This user may not use its socket: run as a member of the group "docker".';
  return 'Start it (for example "systemctl start docker"), or point DOCKER_HOST to where it listens.';
}
