export interface ListedCredentials {
  /** How many there are, of known bots too. */
  readonly all: number;
  /** Names of those whose bot is not known. */
  readonly unused: readonly string[];
}

/** Port: keys of the store that were made for single bots and stay until somebody removes them. */
export interface UnusedCredentials {
  /** None at all when the store makes no such keys. @throws StoreError */
  list(known: ReadonlySet<string>, signal?: AbortSignal): Promise<ListedCredentials>;
  /** Of one that is not there: nothing. @throws StoreError */
  remove(name: string, signal?: AbortSignal): Promise<void>;
}
