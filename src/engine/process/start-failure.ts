import { errnoOf } from '../../errno.ts';
import { EngineError } from '../container-engine.ts';

/** What the operating system's refusals mean to the person who runs the bots. */
const MEANING: Readonly<Record<string, string>> = {
  EMFILE: 'the runtime has too many open files; raise its limit (ulimit -n)',
  ENFILE: 'the host has too many open files (fs.file-max)',
  EAGAIN: 'no more processes are allowed; raise the limit (ulimit -u, or pids.max of the cgroup)',
  ENOMEM: 'the host is out of memory',
  ENOSPC: 'the disk of the data directory is full',
  EDQUOT: 'the disk quota of the data directory is used up',
  EROFS: 'the data directory is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
};

/** Turns anything thrown on the way into the one error the port allows. */
export function engineErrorFor(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) return error;
  const code = errnoOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const meaning = code === null ? undefined : MEANING[code];
  const detail = meaning === undefined ? said : `${meaning} (${said})`;
  const facts = code === null ? { detail } : { detail, errno: code };
  return new EngineError({ code: 'rejected', facts }, `${what}: ${detail}`, { cause: error });
}
