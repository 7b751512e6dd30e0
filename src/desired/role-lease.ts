import type { BotKind } from '../../actors/bot-spec.ts';

/**
 * Port: one active holder per role and desired-state store (design 6). Whoever is not the holder stands by: it may look, but
 * must not act.
 *
 * A holder that ends may leave its bots running, for the next one on the *same* engine to find: an upgrade. On *another* engine
 * nothing would keep a bot from running twice, so there nobody becomes the holder while bots may be left, unless a person says
 * that the former engine is gone:
 *
 *     held ── closed, no container left ──► free to all
 *      │ └─── closed, containers left ────► free to those on its engine ── `takeFrom`, `abandoned` ──► free to all
 *      └───── not heard of any more ──────► the same
 *
 * That somebody is not heard of does not prove that its bots have ended, not even where they end with it: it may be cut off
 * from the store, and keep them alive.
 */
export interface RoleLease {
  /** The bots that the role is about. */
  readonly kind: BotKind;
  /**
   * Resolves when this process became the holder, however long that takes. Called once.
   * @throws when `close` is called before, or the store refuses for good
   */
  acquire(listener: RoleLeaseListener): Promise<void>;
  state(): RoleLeaseState;
  /**
   * Gives the role back, so that another need not wait for its expiry. Nothing may be started any more by then.
   * @param leavesBots containers may be left on this engine
   */
  close(leavesBots: boolean): Promise<void>;
}

export interface RoleLeaseListener {
  /** Another process holds the role, or left its bots running; told once for each thing there is to know, before `acquire` resolves. */
  standingBy(rival: Rival): void;
  /**
   * After `acquire`: the role could not be renewed in time, or another process has it, so stop acting. What runs goes on.
   * Either `resumed` or `lost` follows.
   */
  suspended(cause: unknown): void;
  /** Nobody took the role over: act again, after a look at what may have changed. */
  resumed(): void;
  /** Another process is the holder now. This lease is of no more use. */
  lost(rival: Pick<Rival, 'holder' | 'isHere'>): void;
}

/** Who holds the role, or held it last. */
export interface Rival {
  /** How people find it. */
  readonly holder: string;
  /** Its bots run on the engine of this process. */
  readonly isHere: boolean;
  /** It took the role to another engine: what there is of these bots on the engine of this process are second copies. */
  readonly hasTakenOver: boolean;
  /** It has ended, or is not heard of any more; on its engine, which is another one, its bots may run still. */
  readonly isGone: boolean;
  /** What `takeFrom` must say to have its bots run here when it is gone; of no use once it was heard of again. */
  readonly ticket: string;
}

export type RoleLeaseState =
  /** `trouble`: why it cannot be looked for now, in a sentence; it is tried again. */
  | { readonly is: 'waiting'; readonly trouble: string | null }
  | { readonly is: 'standing-by'; readonly rival: Rival }
  | { readonly is: 'holder' }
  | { readonly is: 'suspended' }
  | { readonly is: 'lost'; readonly holder: string }
  | { readonly is: 'closed' };
