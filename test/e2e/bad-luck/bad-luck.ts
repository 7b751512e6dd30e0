/**
 * Words of this folder: a *bad luck* is one thing that can go wrong, as a row of the one table (`table.ts`). Its *scene* is
 * where it happens: the *shared* runtime with bots that have nothing to do with it, the *witnesses*. A row that needs a
 * runtime of its own starts one beside it. Whatever happens, the witnesses must not notice.
 */
import type { Need } from './host.ts';
import type { Scene } from './scene.ts';

export type Engine = 'process' | 'docker';

export interface BadLuck {
  /** A sentence: what goes wrong. */
  readonly name: string;
  readonly engines: readonly Engine[];
  /** Without them the row is skipped. */
  readonly needs: readonly Need[];
  /** Lets it happen, and sees that its cause is told; the harness looks at the witnesses. @throws what was not as it must be */
  readonly happen: (scene: Scene) => Promise<void>;
}

export interface Row<Arranged> {
  readonly name: string;
  /** Both when left out. */
  readonly engines?: readonly Engine[];
  readonly needs?: readonly Need[];
  readonly arrange: (scene: Scene) => Promise<Arranged>;
  /** What people are told, and what becomes of it. */
  readonly expect: (scene: Scene, arranged: Arranged) => Promise<void>;
}

/** A row of the table; what `arrange` gives is handed to `expect`. */
export function badLuck<Arranged>(row: Row<Arranged>): BadLuck {
  const { name, engines = ['process', 'docker'], needs = [], arrange, expect } = row;
  return {
    name,
    engines,
    needs,
    happen: async (scene) => await expect(scene, await arrange(scene)),
  };
}
