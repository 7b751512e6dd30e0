import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BotDefinition } from '../../src/desired/bot-definition.ts';
import { aBot } from '../desired/a-bot.ts';
import { Random } from '../simulation/random.ts';
import { Stage } from './stage.ts';

const SEEDS = 30;
const STORM_STEPS = 60;

/**
 * The real supervisor with real actors, while shards and actors die, the engine comes and goes, and people edit, delete and
 * command. What must hold at the end: every bot is as desired, nothing ran twice, nothing is left over.
 */
for (let seed = 1; seed <= SEEDS; seed += 1) {
  test(`whatever happens, bots end up as desired (seed ${seed})`, async (t) => {
    const random = new Random(seed);
    let throwing = 0;
    const stage = new Stage(t, {
      shards: random.between(1, 3),
      limits: random.chance(0.3) ? { unhandledEnvelopes: 4, mailboxSize: 5 } : {},
      throws: (_, message) => message.kind !== 'question' && random.chance(throwing),
      breaks: () => random.chance(throwing / 20),
    });
    const wanted = new Map<string, BotDefinition>();
    const some = () => `bot-${random.between(0, 5)}`;
    const desire = (id: string) => {
      const bot = aBot(id, { specRevision: `r${random.between(1, 4)}`, enabled: random.chance(0.9) });
      wanted.set(id, bot);
      stage.desire(bot);
    };
    stage.reportMs = random.pick([0, 0, 1, 15]);
    stage.makeMs = random.pick([0, 0, 30]);
    stage.engine.plant('bot-0', 'r1', 5);
    stage.engine.plant('stranger', 'r1', 6);
    for (const id of ['bot-0', 'bot-1', 'bot-2']) wanted.set(id, aBot(id));
    await stage.start(...wanted.values());

    throwing = random.pick([0, 0, 0.005, 0.02]);
    stage.engine.fails = () => (random.chance(0.05) ? { code: 'rejected', facts: {} } : null);
    const { containers } = stage.engine;
    const events: (() => void)[] = [
      () => desire(some()),
      () => desire(some()),
      () => {
        const id = some();
        wanted.delete(id);
        stage.delete(id);
      },
      () => containers.crash(some()),
      () => containers.handRemove(some()),
      () => containers.handStop(some()),
      () => containers.handStart(some()),
      () => stage.supervisor.killShard(`shard-${random.between(0, 2)}`),
      () => void stage.supervisor.command(some(), random.pick(['restart', 'reset'])),
      () => void stage.supervisor.ask(some(), 500),
      () => stage.engine.list(),
      () => {
        stage.noShards = random.chance(0.3);
      },
      () => {
        if (containers.reachable) stage.engine.lose();
        else stage.engine.reconnect();
      },
    ];
    for (let step = 0; step < STORM_STEPS; step += 1) {
      events[random.between(0, events.length - 1)]?.();
      if (random.chance(0.6)) await stage.advance(random.pick([1, 5, 10, 20, 60, 600]));
    }

    throwing = 0;
    stage.noShards = false;
    stage.engine.fails = () => null;
    stage.engine.reconnect();
    await stage.advance(3_000);
    for (const { id, reason } of await stage.supervisor.list()) {
      if (reason.code === 'actor-failed') stage.supervisor.command(id, 'reset');
    }
    await stage.advance(60_000);
    stage.engine.list();
    await stage.advance(10_000);

    assert.deepEqual(stage.engine.violations, []);
    const expected = [...wanted].map(([id, { enabled }]) => [id, enabled ? 'running' : 'stopped']);
    assert.deepEqual(await stage.states(), Object.fromEntries(expected.sort()));
    const running = stage.engine.containers.list().map(({ botId, container }) => [botId, container?.specRevision]);
    const enabled = [...wanted.values()].filter((bot) => bot.enabled);
    assert.deepEqual(Object.fromEntries(running), Object.fromEntries(enabled.map((bot) => [bot.id, bot.specRevision])));
    assert.deepEqual([...stage.routes.keys()].sort(), enabled.map(({ id }) => id).sort());
    const actors = await Promise.all([...stage.shards.values()].map((shard) => shard.snapshot(null)));
    assert.equal(actors.flat().length, wanted.size, 'each bot has one actor, and nobody else has one');
    assert.deepEqual(stage.supervisor.troubles, []);

    const { failed } = await stage.during(stage.supervisor.stopAll(20_000));
    assert.deepEqual(failed, []);
    assert.deepEqual(stage.engine.containers.list(), []);
  });
}
