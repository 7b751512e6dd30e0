/**
 * Words of this folder: a *sweep* looks through the object store once and removes what nobody needs any more. A bot whose
 * things are there but which nobody knows is an *orphan*; it is removed after a *grace*. What is older than the *stale age*
 * and was only needed for moments (chunks, unfinished uploads, results of queries) is a *left-over*. Contract 11.
 */

/** Port: which bots there are, enabled or not. */
export interface KnownBots {
  /**
   * The ids of all bots, read anew.
   * @throws an error for people when they cannot be read, or not all of them; never gives a part of them
   */
  ids(): Promise<ReadonlySet<string>>;
}
