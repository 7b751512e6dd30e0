/**
 * Words of this folder: the *bots folder* is what is watched; each *bot folder* in it, with a `bot.json`, is one bot. Bots
 * never run there: their code is copied first, once per revision.
 */

/** Where copies go, as this source needs it. */
export interface CodeCopies {
  /**
   * Copies these files of `from`, unless there is a copy of the revision.
   * @throws an error with code `code-changed` when a file is not as listed, or the file system's error
   */
  copyCode(botId: string, revision: string, from: string, files: readonly CodeFile[]): Promise<unknown>;
  /** Whether the copy is (still) there: somebody may have cleaned up the data directory. */
  hasCopy(botId: string, revision: string): Promise<boolean>;
  /** Removes copies of a bot except the current one, those that are in use, and the `spare` newest others. */
  prune(botId: string, current: string, spare: number): Promise<void>;
  /** Removes the copies of all bots but these. Others may come meanwhile: it is asked late. */
  keepOnly(isKept: (botId: string) => boolean): Promise<void>;
}

/** One thing of a bot's code; `path` is relative to its folder, with `/`. */
export type CodeFile =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly executable: boolean;
    }
  /** `target` is relative to the link, and inside the folder. */
  | { readonly kind: 'link'; readonly path: string; readonly target: string };
