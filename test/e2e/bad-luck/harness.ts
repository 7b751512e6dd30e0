import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { needsDocker } from '../../services/docker.ts';
import {
  makeFolders,
  type RuntimeFolders,
  type RuntimeUnderTest,
  removeFolders,
  startRuntime,
} from '../runtime-under-test.ts';
import type { BadLuck, Engine } from './bad-luck.ts';
import { type Host, lookAtHost, missing } from './host.ts';
import { removeContainersIn, Scene } from './scene.ts';
import { Witnesses } from './witnesses.ts';

const ROWS_AT_ONCE = 8;
const ROW_TIMEOUT_MS = 240_000;

/** Rows should not wait for what a person would: a short grace, and a log that is soon full. */
const FLAGS = [
  ['--stop-grace', '1s'],
  ['--dependency-retry', '500ms'],
  ['--bot-log-rate', '256KiB'],
  ['--bot-log-size', '1MiB'],
  ['--query-connect-patience', '2s'],
].flat();

/** Every row of the table on one engine: in parallel, beside one runtime whose witnesses are asked all the time. */
export async function happenOn(engine: Engine, table: readonly BadLuck[]): Promise<void> {
  const { skip } = engine === 'docker' ? await needsDocker() : { skip: false };
  describe(`Bad input and bad luck, engine ${engine}`, { skip, concurrency: ROWS_AT_ONCE }, () => {
    const shared = new SharedRuntime(engine);
    before(() => shared.start());
    after(() => shared.end());
    for (const row of table.filter(({ engines }) => engines.includes(engine))) {
      it(row.name, { timeout: ROW_TIMEOUT_MS }, async (t) => {
        const scene = shared.scene();
        const lack = missing(row.needs, scene.host, engine);
        if (lack !== null) {
          t.skip(lack);
          return;
        }
        try {
          await row.happen(scene);
          await scene.witnesses.undisturbed();
        } finally {
          await scene.cleanUp();
        }
      });
    }
  });
}

/** The runtime of most rows, and its witnesses. */
class SharedRuntime {
  readonly #engine: Engine;
  readonly #sharedBots = new Map<string, Promise<string>>();
  #folders: RuntimeFolders | null = null;
  #runtime: RuntimeUnderTest | null = null;
  #witnesses: Witnesses | null = null;
  #host: Host | null = null;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async start(): Promise<void> {
    this.#host = await lookAtHost();
    this.#folders = await makeFolders();
    this.#runtime = await startRuntime({ engine: this.#engine, folders: this.#folders, flags: FLAGS });
    this.#witnesses = await Witnesses.settle(this.#runtime, this.#host);
    this.#witnesses.watch();
  }

  scene(): Scene {
    assert.ok(this.#host !== null && this.#runtime !== null && this.#witnesses !== null, 'the shared runtime runs');
    return new Scene({
      host: this.#host,
      runtime: this.#runtime,
      witnesses: this.#witnesses,
      sharedBots: this.#sharedBots,
    });
  }

  /** The witnesses had a quiet life, and the runtime ends well with all that was done to it. */
  async end(): Promise<void> {
    const folders = this.#folders;
    if (folders === null) return;
    try {
      await this.#witnesses?.stopWatching();
      assert.equal(await this.#runtime?.end('SIGINT'), 0, `its last words: ${this.#runtime?.output().slice(-2_000)}`);
    } finally {
      this.#runtime?.process.kill('SIGKILL');
      if (this.#engine === 'docker') await removeContainersIn(folders);
      await removeFolders(folders);
    }
  }
}
