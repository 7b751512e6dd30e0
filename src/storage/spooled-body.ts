import { Spool } from './archive/spool.ts';
import type { Body } from './object-store.ts';

const MEMORY_BYTES = 64 * 1024;

/**
 * Brings a body's bytes together before they are sent. For those that are partly read from the very object that they will
 * replace: a store may lock it from the beginning of the request to its end (MinIO does, where there is a condition), and
 * would never answer the read.
 *
 * @param directory for a file without a name, when they are many
 */
export async function withSpooled<Result>(
  body: Body,
  directory: string,
  use: (body: Body) => Promise<Result>,
): Promise<Result> {
  const spool = new Spool(directory, MEMORY_BYTES);
  try {
    for await (const chunk of body.read()) spool.append(chunk);
    return await use({ size: body.size, read: () => spool.read(0, spool.length) });
  } finally {
    spool.close();
  }
}
