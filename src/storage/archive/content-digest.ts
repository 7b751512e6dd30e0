const DIGEST_CHARACTERS = 22;

/** SHA-256 of what a name holds, as 132 of its bits: enough to tell contents apart, and short, for there may be many. */
export interface ContentDigest {
  update(bytes: Buffer): void;
  end(): string;
}

/** Loads `node:crypto`, which an agent that has nothing to hash does not need (0.4 MB). */
export async function contentDigests(): Promise<() => ContentDigest> {
  const { createHash } = await import('node:crypto');
  return () => {
    const hash = createHash('sha256');
    return {
      update: (bytes) => {
        hash.update(bytes);
      },
      end: () => hash.digest('base64url').slice(0, DIGEST_CHARACTERS),
    };
  };
}
