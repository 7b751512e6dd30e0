/** Port: keys of the store that were made for single bots and stay until somebody removes them. */
export interface UnusedCredentials {
  /** Names of those whose bot is not known; nothing when the store makes no such keys. @throws StoreError */
  list(known: ReadonlySet<string>, signal?: AbortSignal): Promise<readonly string[]>;
  /** Of one that is not there: nothing. @throws StoreError */
  remove(name: string, signal?: AbortSignal): Promise<void>;
}
