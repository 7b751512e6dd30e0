/**
 * - `not-gzip`: no gzip data, or damaged
 * - `truncated`: it ends before its end-of-archive blocks
 * - `bad-header`: no tar header where one must be
 * - `newer-format`: written by a newer version of this runtime
 * - `unsafe-name`: an absolute name, one that leads out of the directory, or a far too long one
 * - `unsafe-link`: a symbolic link that leads out of the directory
 * - `unsupported-type`: a hard link, a device, a pipe, a sparse file
 * - `conflict`: a file where a directory is, or the other way round
 * - `too-many-entries`, `file-too-large`, `too-large`: above a limit
 * - `not-empty`: the directory to extract to holds something
 */
export type ArchiveTrouble =
  | 'not-gzip'
  | 'truncated'
  | 'bad-header'
  | 'newer-format'
  | 'unsafe-name'
  | 'unsafe-link'
  | 'unsupported-type'
  | 'conflict'
  | 'too-many-entries'
  | 'file-too-large'
  | 'too-large'
  | 'not-empty';

/** An archive that cannot be used as it is. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code: ArchiveTrouble;

  constructor(code: ArchiveTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
