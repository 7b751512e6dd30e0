/**
 * Port: one active holder per role and desired-state store (design 6). Whoever is not the holder stands by: it may look, but
 * must not act.
 */
export interface RoleLease {
  /**
   * Resolves when this process became the holder, however long that takes. Called once.
   * @throws when `close` is called before, or the store refuses for good
   */
  acquire(listener: RoleLeaseListener): Promise<void>;
  state(): RoleLeaseState;
  /** Gives the role back, so that another need not wait for its expiry. */
  close(): Promise<void>;
}

export interface RoleLeaseListener {
  /** Another process holds the role; told once for each holder, before `acquire` resolves. */
  standingBy(holder: string): void;
  /**
   * After `acquire`: the role could not be renewed in time, or another process has it, so stop acting. What runs goes on.
   * Either `resumed` or `lost` follows.
   */
  suspended(cause: unknown): void;
  /** Nobody took the role over: act again, after a look at what may have changed. */
  resumed(): void;
  /** Another process is the holder now. This lease is of no more use. */
  lost(holder: string): void;
}

export type RoleLeaseState =
  /** `trouble`: why it cannot be looked for now, in a sentence; it is tried again. */
  | { readonly is: 'waiting'; readonly trouble: string | null }
  | { readonly is: 'standing-by'; readonly holder: string }
  | { readonly is: 'holder' }
  | { readonly is: 'suspended' }
  | { readonly is: 'lost'; readonly holder: string }
  | { readonly is: 'closed' };
