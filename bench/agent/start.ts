import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import type { Part } from '../parts.ts';
import { atMost, median, type Row } from '../report.ts';
import { outputOf, until } from './container.ts';
import { type Scene, withScene } from './scene.ts';

const BAR_MS = 150;
const TENTH_OF_A_CPU = 1e8;
const BAR_THROTTLED_MS = 3_000;

const KINDS = [
  {
    name: 'Python',
    runtime: 'python3.11',
    file: 'main.py',
    program: ['python3', '/direct/main.py'],
    text: `import time
print("first instruction at", time.time() * 1000, flush=True)
def main(bot_id, config):
    time.sleep(3600)
if __name__ == "__main__":
    main("", {})
`,
  },
  {
    name: 'Node',
    runtime: 'nodejs20',
    file: 'main.js',
    program: ['node', '/direct/main.js'],
    text: `process.stdout.write('first instruction at ' + (performance.timeOrigin + performance.now()) + '\\n');
exports.main = () => new Promise(() => setInterval(() => {}, 1000));
if (require.main === module) exports.main();
`,
  },
] as const;

type Kind = (typeof KINDS)[number];

/** From the engine's start of a container to the first instruction of its bot, beside the same container around the bare bot. */
export const start: Part = async (short) => {
  const rounds = short ? 5 : 20;
  const throttledRounds = short ? 2 : 5;
  return await withScene(async (scene) => {
    const rows: Row[] = [];
    const notes: string[] = [];
    for (const kind of KINDS) {
      const scenario = await Scenario.of(scene, kind);
      // The first start of each reads the disk.
      await scenario.ours();
      await scenario.direct();
      const [ours, direct]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round += 1) {
        ours.push(await scenario.ours());
        direct.push(await scenario.direct());
      }
      for (const [name, of] of [
        ['p50', median],
        ['p90', p90],
      ] as const) {
        rows.push(
          aboveFloor(`${kind.name}: start to first instruction, beside no agent, ${name}`, of(ours), of(direct)),
        );
      }
      const throttled: number[] = [];
      const throttledDirect: number[] = [];
      for (let round = 0; round < throttledRounds; round += 1) {
        throttled.push(await scenario.ours(TENTH_OF_A_CPU));
        throttledDirect.push(await scenario.direct(TENTH_OF_A_CPU));
      }
      const what = `${kind.name}: start to first instruction with 0.1 CPU, worst of ${throttledRounds}`;
      rows.push(atMost(what, Math.max(...throttled), BAR_THROTTLED_MS, 'ms'));
      notes.push(
        `${kind.name} with 0.1 CPU: median ${median(throttled).toFixed(0)} ms, without an agent ${median(throttledDirect).toFixed(0)} ms.`,
      );
    }
    return { rows, notes };
  });
};

class Scenario {
  readonly #scene: Scene;
  readonly #kind: Kind;
  readonly #definition: BotDefinition;
  readonly #source: string;

  private constructor(scene: Scene, kind: Kind, definition: BotDefinition, source: string) {
    this.#scene = scene;
    this.#kind = kind;
    this.#definition = definition;
    this.#source = source;
  }

  static async of(scene: Scene, kind: Kind): Promise<Scenario> {
    const id = `bench-start-${process.pid}-${kind.name.toLowerCase()}`;
    const definition = await scene.deploy({ id, runtime: kind.runtime, files: { [kind.file]: kind.text } });
    const source = join(scene.directory, `direct-${kind.name}`);
    await mkdir(source, { mode: 0o755 });
    await writeFile(join(source, kind.file), kind.text);
    return new Scenario(scene, kind, definition, source);
  }

  async ours(nanoCpus?: number): Promise<number> {
    return await timeOf(await this.#scene.create(this.#definition, nanoCpus === undefined ? {} : { nanoCpus }));
  }

  async direct(nanoCpus?: number): Promise<number> {
    const bare = {
      entrypoint: this.#kind.program,
      mounted: { source: this.#source, target: '/direct' },
      ...(nanoCpus === undefined ? {} : { nanoCpus }),
    };
    const name = `the0-bench-direct-${process.pid}-${randomBytes(4).toString('hex')}`;
    return await timeOf(await this.#scene.createBare(this.#definition, name, bare));
  }
}

/** Starts it, reads what its bot says, and removes it. Both sides have the same clock. */
async function timeOf(container: Docker.Container): Promise<number> {
  try {
    const begun = performance.timeOrigin + performance.now();
    await container.start();
    const at = await until('the first instruction', async () => {
      const found = /first instruction at ([\d.]+)/.exec(await outputOf(container));
      return found === null ? null : Number(found[1]);
    });
    return at - begun;
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** The bar is a distance from the floor. */
function aboveFloor(what: string, figure: number, floor: number): Row {
  const bar = `<= floor + ${BAR_MS} ms`;
  return { what, figure, unit: 'ms', floor, ratio: figure / floor, bar, pass: figure - floor <= BAR_MS };
}

function p90(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.9) - 1] ?? Number.NaN;
}
