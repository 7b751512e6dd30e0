import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/** A file of a bot's code; `path` is relative, with `/`. */
export interface PackedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly executable: boolean;
}

export interface Packed {
  readonly sizeBytes: number;
  /** Of the archive, in hex. */
  readonly sha256: string;
}

/** A file is not as it was listed. */
export class CodeChangedWhilePacked extends Error {
  readonly code = 'code-changed';
  readonly hint = 'Something writes into the folder of the bot; run the command again when it has settled.';

  constructor(path: string) {
    super(`${path} changed while it was packed`);
    this.name = 'CodeChangedWhilePacked';
  }
}

/** The same files are the same archive, whoever packs them and when. Archives have local time. */
function fixedTime(): Date {
  return new Date(2000, 0, 1);
}

/**
 * Packs files into a code archive (contract 4.3): deflated, no entries for folders, permissions 0755 or 0644. The same
 * files give the same bytes.
 *
 * @param from the folder of the files
 * @param files those to pack; links among them are followed
 * @param archivePath where to write; must not exist yet
 * @param progress told now and then how many bytes of the files have been read, all files together
 * @throws CodeChangedWhilePacked, or the file system's error
 */
export async function packCode(
  from: string,
  files: readonly PackedFile[],
  archivePath: string,
  progress: (bytes: number) => void = () => undefined,
): Promise<Packed> {
  const zip = new ZipFile();
  const failed = new AbortController();
  let read = 0;
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, sizeBytes, executable } of sorted) {
    const mode = executable ? 0o100755 : 0o100644;
    zip.addReadStreamLazy(path, { mtime: fixedTime(), forceDosTimestamp: true, mode, compress: true }, (give) => {
      const file = createReadStream(join(from, path));
      const counted = counting(sizeBytes, path, (bytes) => {
        read += bytes;
        progress(read);
      });
      // yazl does not look at errors of the streams that it is given.
      const fail = (error: Error) => {
        file.destroy();
        failed.abort(error);
      };
      file.once('error', fail);
      counted.once('error', fail);
      give(null, file.pipe(counted));
    });
  }
  zip.end();
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  zip.on('error', (error) => failed.abort(error));
  try {
    await pipeline(zip.outputStream, measured, createWriteStream(archivePath, { flags: 'wx', mode: 0o600 }), {
      signal: failed.signal,
    });
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** Hands on exactly as many bytes as were listed. */
function counting(sizeBytes: number, path: string, counted: (bytes: number) => void): Transform {
  let left = sizeBytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      counted(chunk.length);
      if (left < 0) done(new CodeChangedWhilePacked(path));
      else done(null, chunk);
    },
    flush(done) {
      done(left === 0 ? null : new CodeChangedWhilePacked(path));
    },
  });
}
