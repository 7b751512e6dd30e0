/**
 * The compatibility contract as a numbered table in this project's own words: one file per section, one row per rule, each
 * row with the tests that show it. `contract.test.ts` fails where a rule has no test, or names one that is not there.
 *
 * - *covered*: kept, with the tests that show it.
 * - *departs*: kept otherwise on purpose. Says why and where it is decided; the tests show what happens instead.
 * - *open*: not shown yet. Says what is missing.
 * - *kubernetes*: has a meaning only there; not counted as covered.
 */
export type Rule = {
  /** The section of the contract and a number in it, for example `4.6-2`. Numbers are never used again for another rule. */
  readonly id: string;
  readonly rule: string;
} & Shown;

export type Shown =
  | { readonly tests: readonly TestLink[]; readonly departs?: string }
  | { readonly open: string }
  | { readonly kubernetes: true };

/** `<file>: <name>`: the file from the top of the project, the name as the test runner reports it. */
export type TestLink = `test/${string}.ts: ${string}`;

/** One weakness of the Go runtime, by its number in contract section 12. */
export type Weakness = { readonly number: number; readonly gone: string } & Shown;

/** One row of contract section 13: what a test file of the Go runtime shows, or an acceptance bot. */
export type Scenario = { readonly of: string; readonly scenario: string } & Shown;
