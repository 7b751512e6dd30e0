import { ArchiveError } from './archive-error.ts';

/** Who wrote an archive, in its end member and in the object's metadata; what a refused write is decided by (design 8). */
export interface Stamp {
  /** The writer's incarnation: the higher one has replaced the lower one. */
  readonly epoch: number;
  /** Counts the uploads of a bot's state. */
  readonly seq: number;
  /** Of one upload; a writer knows its own. */
  readonly nonce: string;
}

const FORMAT = 1;
const PREFIX = 'the0-';
const NONCE = /^[A-Za-z0-9-]{1,64}$/;

export function stampNote(stamp: Stamp): string {
  return JSON.stringify({ format: FORMAT, ...stamp });
}

/** @throws ArchiveError `newer-format`; null when it is no stamp */
export function stampOfNote(note: string): Stamp | null {
  try {
    const value: unknown = JSON.parse(note);
    if (typeof value !== 'object' || value === null) return null;
    const fields: Readonly<Record<string, unknown>> = { ...value };
    return stampOf(fields['format'], fields['epoch'], fields['seq'], fields['nonce']);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export function stampMetadata(stamp: Stamp): Record<string, string> {
  return {
    [`${PREFIX}format`]: String(FORMAT),
    [`${PREFIX}epoch`]: String(stamp.epoch),
    [`${PREFIX}seq`]: String(stamp.seq),
    [`${PREFIX}nonce`]: stamp.nonce,
  };
}

/** Null when somebody else wrote the object: the API, or the Go runtime. @throws ArchiveError `newer-format` */
export function stampOfMetadata(metadata: Readonly<Record<string, string>>): Stamp | null {
  const field = (name: string) => metadata[`${PREFIX}${name}`];
  return stampOf(whole(field('format')), whole(field('epoch')), whole(field('seq')), field('nonce'));
}

function stampOf(format: unknown, epoch: unknown, seq: unknown, nonce: unknown): Stamp | null {
  if (!isCount(format)) return null;
  if (format > FORMAT) {
    throw new ArchiveError(
      'newer-format',
      `its stamp has format ${format}, and this version knows ${FORMAT}: upgrade the runtime`,
    );
  }
  if (!isCount(epoch) || !isCount(seq) || typeof nonce !== 'string' || !NONCE.test(nonce)) return null;
  return { epoch, seq, nonce };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function whole(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
