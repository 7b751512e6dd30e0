import type { S3Access } from '../../src/storage/s3-api/s3-client.ts';

/** What the syncing process is started with. */
export interface Setup {
  readonly access: S3Access;
  readonly spoolDirectory: string;
}

export type Request =
  /** `only`: the directories that a watch would have named; null: all. */
  | { readonly do: 'sync'; readonly bot: string; readonly directory: string; readonly only: readonly string[] | null }
  | { readonly do: 'restore'; readonly bot: string; readonly directory: string }
  /** The bot's next sync is that of a new process. */
  | { readonly do: 'forget'; readonly bot: string }
  /** The floors. */
  | { readonly do: 'upload-all'; readonly directory: string }
  | { readonly do: 'list'; readonly directory: string }
  /** One `lstat` for each name that was listed last. */
  | { readonly do: 'lstat' }
  /** All bots whose states are directories below this one, each on a beat of its own. */
  | {
      readonly do: 'sync-many';
      readonly directory: string;
      readonly bots: number;
      readonly seconds: number;
      readonly everySeconds: number;
    };

export interface Answer {
  readonly said: string;
  readonly ms: number;
  /** Of the process, user and system. */
  readonly cpuMs: number;
  /** Through its sockets, headers included. */
  readonly sentBytes: number;
  /** Kept by the store when an object was rewritten. */
  readonly copiedBytes: number;
}
