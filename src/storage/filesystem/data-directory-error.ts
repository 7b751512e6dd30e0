import { errnoOf } from '../../errno.ts';

/** The data directory cannot be used. The message says what is wrong with which path, `hint` what to do. */
export class DataDirectoryError extends Error {
  readonly code:
    | 'data-directory-damaged'
    | 'data-directory-in-use'
    | 'data-directory-newer-format'
    | 'data-directory-not-a-directory'
    | 'data-directory-not-empty'
    | 'data-directory-not-writable'
    | 'disk-full';
  readonly hint: string;

  constructor(code: DataDirectoryError['code'], message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DataDirectoryError';
    this.code = code;
    this.hint = hint;
  }
}

/** What the file system's refusal of a write means. Other errors are returned as they are. */
export function writeErrorFor(error: unknown, root: string): unknown {
  switch (errnoOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DataDirectoryError(
        'disk-full',
        `the disk of the data directory ${root} is full`,
        'Free some space, or choose another place with --data-dir.',
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new DataDirectoryError(
        'data-directory-not-writable',
        `the data directory ${root} is not writable (${errnoOf(error)})`,
        'Make it writable for the user that runs the runtime, or choose another place with --data-dir.',
        { cause: error },
      );
    case 'ENOENT':
      return new DataDirectoryError(
        'data-directory-not-writable',
        `the data directory ${root} cannot be made, or was taken away meanwhile (ENOENT)`,
        'Choose another place with --data-dir.',
        { cause: error },
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new DataDirectoryError(
        'data-directory-not-a-directory',
        `the data directory ${root} is not a directory`,
        'Choose another place with --data-dir.',
        { cause: error },
      );
    default:
      return error;
  }
}
