import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import { type ContainerEngine, EngineError, type QueryRunRequest } from '../../../src/engine/container-engine.ts';
import { recordingListener } from './recording-listener.ts';
import type { EngineHarness } from './suite.ts';

export interface QueryHarness extends EngineHarness {
  /** What is left of this bot's query runs: containers, directories, notes. */
  queryRemains(botId: string): Promise<readonly string[]>;
}

export interface QuerySuiteTraits {
  readonly skip: string | false;
  readonly concurrency: number;
}

const NEVER = new AbortController().signal;

/** As the SDKs do it (contract 8.6), in as few lines. */
const PREAMBLE = `
const fs = require('node:fs');
const { dirname, join } = require('node:path');
const file = process.env.THE0_QUERY_RESULT || '/query/result.json';
const leave = (value) => { fs.mkdirSync(dirname(file), { recursive: true }); fs.writeFileSync(file, JSON.stringify(value)); };
const state = join(process.env.STATE_DIR, 'count.json');
`;
const IDLE = { 'main.js': 'exports.main = () => new Promise(() => setInterval(() => {}, 1000));' };
const program = (body: string) => ({ files: { ...IDLE, 'query.js': `${PREAMBLE}\n${body}` } });

const tellsEnvironment = program(`leave({ status: 'ok', data: process.env });`);
const fails = program(
  `leave({ status: 'error', error: 'no such market' }); console.error('said before'); process.exit(3);`,
);
const leavesNothing = program(`console.log('nothing to say');`);
const spoilsState = program(`
const before = fs.readFileSync(state, 'utf8');
fs.writeFileSync(state, '99');
leave({ status: 'ok', data: before });`);
const hangs = program(`setInterval(() => {}, 1000);`);
const takesAWhile = program(`setTimeout(() => leave({ status: 'ok', data: 'at last' }), 1500);`);
const large = program(`leave({ status: 'ok', data: 'x'.repeat(5000) });`);

/** The part of the port that answers questions (`runQuery`), the same for every engine, with files from directories. */
export function querySuite(name: string, traits: QuerySuiteTraits, makeHarness: () => Promise<QueryHarness>): void {
  describe(`query runs on the ${name} engine`, traits, () => {
    let harness: QueryHarness;
    before(async () => {
      harness = await makeHarness();
    });
    after(async () => {
      await harness?.cleanup();
    });

    async function watched(
      t: TestContext,
    ): Promise<{ engine: ContainerEngine; seen: ReturnType<typeof recordingListener> }> {
      const engine = harness.makeEngine();
      t.after(() => engine.close());
      const seen = recordingListener();
      await engine.watch(seen);
      return { engine, seen };
    }

    const about = (definition: BotDefinition, more: Partial<QueryRunRequest> = {}): QueryRunRequest => ({
      definition,
      path: '/prices',
      params: '{"market":"btc","depth":3}',
      resultKey: 'unused',
      deadlineMs: 60_000,
      resultBytes: 4_096,
      ...more,
    });

    it('runs the program for one question, with the environment of the contract and no secret', async (t) => {
      const { engine, seen } = await watched(t);
      const definition = await harness.makeBot(tellsEnvironment);
      const { exitCode, result, logTail } = await engine.runQuery(about(definition, { resultBytes: 64 * 1024 }), NEVER);
      assert.equal(exitCode, 0);
      assert.equal(logTail, '');
      assert.ok(Buffer.isBuffer(result));
      const { data: env }: { data: Record<string, string> } = JSON.parse(result.toString());
      assert.equal(env['QUERY_PATH'], '/prices');
      assert.equal(env['QUERY_PARAMS'], '{"market":"btc","depth":3}');
      assert.equal(env['QUERY_PARAM_depth'], '3');
      assert.equal(env['BOT_ID'], definition.id);
      assert.equal(env['BOT_TYPE'], 'scheduled');
      assert.equal(env['IS_SCHEDULED'], 'true');
      assert.equal(env['ENTRYPOINT'], 'query.js');
      const secret = Object.keys(env).filter((variable) => /^(MINIO_|NATS_URL|THE0_(?!QUERY_))/.test(variable));
      assert.deepEqual(secret, []);
      assert.deepEqual(seen.of(definition.id), []);
    });

    it('gives the exit code, the end of the output and what the program left when it fails', async (t) => {
      const { engine } = await watched(t);
      const run = await engine.runQuery(about(await harness.makeBot(fails)), NEVER);
      assert.equal(run.exitCode, 3);
      assert.match(run.logTail, /said before$/);
      assert.equal(run.lastWords?.code, 'bot-exited');
      assert.ok(Buffer.isBuffer(run.result));
      assert.deepEqual(JSON.parse(run.result.toString()), { status: 'error', error: 'no such market' });
    });

    it('says that there is no result, or that it is too large', async (t) => {
      const { engine } = await watched(t);
      const [none, tooLarge] = await Promise.all([
        engine.runQuery(about(await harness.makeBot(leavesNothing)), NEVER),
        engine.runQuery(about(await harness.makeBot(large)), NEVER),
      ]);
      assert.equal(none.exitCode, 0);
      assert.deepEqual(none.result, { missing: 'the query program has left none' });
      assert.deepEqual(tooLarge.result, { missing: 'it has 5025 bytes, at most 4096 are allowed' });
    });

    it('shows the program the state of the bot, and keeps nothing of what it does to it', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(spoilsState);
      const file = join(harness.stateDirectory(definition.id), '.the0-state', 'count.json');
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, '41');
      for (const _ of [1, 2]) {
        const { result } = await engine.runQuery(about(definition), NEVER);
        assert.ok(Buffer.isBuffer(result));
        assert.deepEqual(JSON.parse(result.toString()), { status: 'ok', data: '41' });
      }
      assert.equal(await readFile(file, 'utf8'), '41');
    });

    it('takes a run for the bot neither while the bot starts nor while it stops', async (t) => {
      const { engine, seen } = await watched(t);
      const definition = await harness.makeBot(takesAWhile);
      const asked = engine.runQuery(about(definition), NEVER);
      await sleep(300); // A container may be there by now, and may not: both are right.
      assert.equal((await engine.inspect(definition.id)).container, null);
      const incarnation = Date.now();
      const { container } = await engine.start({ definition, incarnation, inPlace: null });
      assert.equal(container?.incarnation, incarnation);
      await engine.remove({ botId: definition.id, containerId: container.containerId });
      const { result } = await asked;
      assert.ok(Buffer.isBuffer(result));
      assert.equal(JSON.parse(result.toString()).data, 'at last');
      assert.ok(
        seen.of(definition.id).every((one) => one.container === null || one.container.incarnation === incarnation),
      );
    });

    it('ends the program when nobody waits any more, and when its time is up, and leaves nothing behind', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(hangs);
      const leave = new AbortController();
      const left = assert.rejects(engine.runQuery(about(definition), leave.signal), isRejected(/nobody waits/));
      const late = assert.rejects(
        engine.runQuery(about(definition, { deadlineMs: 1_500 }), NEVER),
        isRejected(/did not end within 1\.5 s/),
      );
      await sleep(1_000);
      leave.abort();
      await Promise.all([left, late]);
      await engine.close();
      assert.deepEqual(await harness.queryRemains(definition.id), []);
    });

    it('refuses a bot without query program, and says that the code is not there', async (t) => {
      const { engine } = await watched(t);
      const definition = await harness.makeBot(hangs);
      const without = { ...definition, queryEntrypoint: null };
      await assert.rejects(engine.runQuery(about(without), NEVER), isRejected(/does not have a query entrypoint/));
      const nowhere = { ...definition, specRevision: 'never-copied' };
      await assert.rejects(
        engine.runQuery(about(nowhere), NEVER),
        (error) => error instanceof EngineError && error.failure.code === 'code-unavailable',
      );
      const odd = about(definition, { path: '/a\0b' });
      await assert.rejects(engine.runQuery(odd, NEVER), isRejected(/U\+0000/));
    });
  });
}

function isRejected(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof EngineError && error.failure.code === 'rejected' && words.test(error.message);
}
