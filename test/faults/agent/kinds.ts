import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { content } from '../../agent/state/state-fixture.ts';
import { listTree } from '../../storage/archive/other-readers.ts';
import type { AgentRun } from './agent-run.ts';
import { editAsApi } from './api-edit.ts';
import { badNetwork } from './bad-network.ts';
import type { Bot } from './bot.ts';
import { AWAY, NO_FAULT, type Plan } from './fault-proxy.ts';
import { type Point, until } from './point.ts';
import { mountSmallDisk } from './small-disk.ts';

/** What may go wrong in a point. */
export interface Kind {
  readonly name: string;
  /** How often it comes among all. */
  readonly weight: number;
  readonly needsRoot?: true;
  readonly run: (point: Point) => Promise<void>;
}

const MOST_STEPS = 150;
const ENOUGH_STEPS = 1_500;

export const KINDS: readonly Kind[] = [
  {
    name: 'the agent is killed at a step of a request, again and again',
    weight: 8,
    run: (point) =>
      killed(point, async (bot, agent) => {
        point.proxy.plan = point.breakSoon(() => agent.kill());
        if (await point.ready(bot, agent)) await bot.live(MOST_STEPS, () => agent.end !== null);
      }),
  },
  {
    name: 'the agent is killed at any time',
    weight: 4,
    run: (point) =>
      killed(point, async (bot, agent) => {
        const isTime = delay(point.random.between(0, 600)).then(() => agent.kill());
        if (await point.ready(bot, agent)) await bot.live(MOST_STEPS, () => agent.end !== null);
        await isTime;
      }),
  },
  { name: 'requests and answers are lost, late, cut, repeated and refused', weight: 5, run: badWeather },
  { name: 'the agent is killed in bad weather', weight: 3, run: killedInBadWeather },
  { name: 'the agent is stopped in bad weather', weight: 2, run: stoppedInBadWeather },
  { name: 'the store goes away and comes back', weight: 2, run: storeAway },
  { name: 'an old and a new container sync at once', weight: 3, run: twoContainers },
  { name: 'the API edits the stored state', weight: 3, run: apiEdits },
  { name: 'the disk is full', weight: 2, needsRoot: true, run: fullDisk },
  { name: 'the state cannot be read when the bot should start', weight: 4, run: unreadable },
  { name: 'files change again and again while they are read', weight: 3, run: beats },
];

/** Lives that are cut short by `trouble`, each in the same container or a new one, until one is left in peace. */
async function killed(point: Point, trouble: (bot: Bot, agent: AgentRun) => Promise<void>): Promise<void> {
  const { random } = point;
  let bot = await firstLife(point);
  for (let lives = random.between(1, 3); lives > 0; lives -= 1) {
    const agent = point.agent(bot);
    await trouble(bot, agent);
    agent.kill();
    assert.notEqual(await agent.hasEnded(), 'crashed');
    await point.check();
    await point.proxy.calm();
    if (random.chance(0.3)) bot = point.container();
  }
  await point.recover(bot, null);
  await inANewContainer(point, bot);
}

async function badWeather(point: Point): Promise<void> {
  const bot = await firstLife(point);
  const agent = await point.insist(bot);
  for (let storms = point.random.between(1, 3); storms > 0; storms -= 1) {
    point.proxy.plan = badNetwork(point.random, point.random.between(4, 40), 0.4);
    await bot.live(point.random.between(5, 40));
    await point.check();
  }
  await point.recover(bot, agent);
  await inANewContainer(point, bot);
}

async function killedInBadWeather(point: Point): Promise<void> {
  await killed(point, async (bot, agent) => {
    point.proxy.plan = badNetwork(point.random, point.random.between(4, 40), 0.4);
    if (await point.ready(bot, agent)) await bot.live(point.random.between(3, 40), () => agent.end !== null);
  });
}

/** What was not stored then is stored when the same container goes on. */
async function stoppedInBadWeather(point: Point): Promise<void> {
  const { random, proxy } = point;
  const bot = await firstLife(point);
  for (let stops = random.between(1, 2); stops > 0; stops -= 1) {
    const agent = await point.insist(bot);
    await bot.live(random.between(1, 20));
    const settled = random.chance(0.5);
    if (settled) await point.settled(bot);
    proxy.plan = badNetwork(random, random.between(1, 10), random.pick([0.3, 1]));
    const end = await agent.stop();
    assert.match(end, /^(stopped|not-stored)$/);
    await point.check();
    await proxy.calm();
    // Whoever says so has done it.
    if (settled && end === 'stopped') await point.allIsStored(bot);
  }
  await point.recover(bot, null);
  await inANewContainer(point, bot);
}

/** When it is back the agent stores everything by itself; told to stop while it is away, it waits for that. */
async function storeAway(point: Point): Promise<void> {
  const { random, proxy } = point;
  const bot = await firstLife(point);
  const agent = await point.insist(bot);
  await bot.live(random.between(0, 10));
  proxy.away = random.pick(AWAY);
  const isBack = delay(point.outageMs).then(() => {
    proxy.away = null;
  });
  await bot.live(random.between(5, 30));
  await point.check();
  await point.settled(bot);
  if (random.chance(0.4)) {
    const end = agent.stop();
    await isBack;
    assert.equal(await end, 'stopped');
    return await point.allIsStored(bot);
  }
  await isBack;
  await point.catchesUp(bot);
  await point.recover(bot, agent);
}

/** What the fencing is for: nothing of the old one comes after the new one, and the old one ends. */
async function twoContainers(point: Point): Promise<void> {
  const { random, proxy } = point;
  const bot = await firstLife(point);
  const agent = await point.insist(bot);
  bot.settle();
  await bot.live(random.between(1, 15));
  await until('the old container to store its state', async () => (await point.stored.epoch()) === point.epoch);
  if (random.chance(0.5)) proxy.plan = badNetwork(random, random.between(4, 30), 0.3);
  const newBot = point.container();
  const [newAgent] = await Promise.all([point.insist(newBot), bot.live(random.between(0, 20))]);
  await Promise.all([bot.live(random.between(0, 20)), newBot.live(random.between(1, 20))]);
  await point.check();
  await proxy.calm();
  newBot.settle();
  await until('the new container to store its state', async () => (await point.stored.epoch()) === point.epoch);
  await bot.live(ENOUGH_STEPS, () => agent.end !== null);
  assert.equal(await agent.hasEnded(), 'superseded');
  await point.recover(newBot, newAgent);
}

async function apiEdits(point: Point): Promise<void> {
  const { random } = point;
  const bot = await firstLife(point);
  let agent = await point.insist(bot);
  for (let edits = random.between(1, 3); edits > 0; edits -= 1) {
    await bot.live(random.between(1, 10));
    await Promise.all([editAsApi(point.stored, point.journal, random), bot.live(random.between(0, 10))]);
    await point.check();
    if (!random.chance(0.3)) continue;
    agent.kill();
    await agent.hasEnded();
    if (random.chance(0.3)) await editAsApi(point.stored, point.journal, random);
    agent = await point.insist(bot);
  }
  await point.recover(bot, agent);
  await inANewContainer(point, bot);
}

/** Either only what the agent puts aside is on the full disk, or everything of the container is; the bot then writes nothing. */
async function fullDisk(point: Point): Promise<void> {
  const { random } = point;
  const isWhole = point.writesLog || random.chance(0.5);
  const root = `${point.directory}/on-a-small-disk`;
  const disk = await mountSmallDisk(point, isWhole ? root : `${root}/spool`);
  const bot = point.container(root);
  let agent = await point.insist(bot);
  await bot.live(random.between(1, 15));
  await disk.fill();
  if (isWhole) await delay(random.between(0, 200));
  else await bot.live(random.between(5, 30));
  await point.check();
  if (random.chance(0.3)) {
    agent.kill();
    await agent.hasEnded();
    await disk.free();
    agent = await point.insist(bot);
  }
  await disk.free();
  await bot.live(random.between(0, 5));
  await point.recover(bot, agent);
  await inANewContainer(point, bot);
}

/** Whatever happens to the reading, the bot begins with the whole of its state, or it does not begin. */
async function unreadable(point: Point): Promise<void> {
  const { random, proxy } = point;
  const bot = await firstLife(point);
  await point.recover(bot, null);
  const expected = content(listTree(bot.state));
  const next = point.container();
  const bad = random.between(1, 5);
  const share = random.pick([0.6, 1]);
  const isKilled = random.chance(0.4);
  const busy = random.chance(0.3) ? random.pick([1, 4, 40]) : 0;
  for (let starts = 0; starts < bad; starts += 1) {
    const agent = point.agent(next);
    if (isKilled) proxy.plan = killedWhileItReads(point, agent);
    else if (busy > 0) proxy.plan = busyAtFirst(busy);
    else proxy.plan = badNetwork(random, 2, share);
    if (await point.ready(next, agent)) {
      agent.kill();
      await agent.hasEnded();
      break;
    }
    assert.match(await agent.hasEnded(), /^(state-unreadable|killed)$/);
  }
  await proxy.calm();
  await point.insist(next);
  assert.deepEqual(content(listTree(next.state)), expected, 'the bot does not have its whole state');
}

/** It delays the start, or stops it: which of both is the agent's to decide. */
function busyAtFirst(requests: number): Plan {
  return ({ number }) =>
    number <= requests ? { kind: 'answer', status: 503, code: 'SlowDown', reached: false } : NO_FAULT;
}

/** All else is well; and nothing happens afterwards that would have everything looked at again. */
async function beats(point: Point): Promise<void> {
  const bot = await firstLife(point);
  const agent = await point.insist(bot);
  for (let bursts = point.random.between(2, 8); bursts > 0; bursts -= 1) {
    await bot.beat();
    await delay(point.random.between(0, 40));
    await point.stored.looked();
  }
  await point.recover(bot, agent);
}

/** Mostly with half of the state in its hands. */
function killedWhileItReads({ random }: Point, agent: AgentRun): Plan {
  const at = random.pick(['half-answered', 'half-answered', 'answered', 'done'] as const);
  const number = random.between(1, 2);
  const afterMs = random.between(0, 40);
  return (request) =>
    request.number === number ? { kind: 'break', at, afterMs, strike: () => agent.kill() } : NO_FAULT;
}

async function firstLife(point: Point): Promise<Bot> {
  const { random } = point;
  const bot = point.container();
  await bot.live(random.between(0, 12));
  if (random.chance(0.6)) {
    await point.recover(bot, null);
    await bot.live(random.between(0, 12));
  }
  if (random.chance(0.3)) bot.rotateLog();
  return bot;
}

/** What was stored last is what the next container has. */
async function inANewContainer(point: Point, bot: Bot): Promise<void> {
  if (!point.random.chance(0.3)) return;
  const next = point.container();
  const agent = await point.insist(next);
  assert.deepEqual(content(listTree(next.state)), content(listTree(bot.state)));
  await next.live(point.random.between(0, 5));
  await point.recover(next, agent);
}
