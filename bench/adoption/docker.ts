import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import Docker from 'dockerode';
import type { BotReport } from '../../src/admin/wire.ts';
import { probePort } from '../../src/query/port-probe.ts';
import { botJson, IDLE_NODE, writeBot } from '../../test/e2e/bot-folders.ts';
import {
  makeFolders,
  poll,
  type RuntimeFolders,
  type RuntimeUnderTest,
  removeFolders,
  startRuntime,
} from '../../test/e2e/runtime-under-test.ts';
import { atMost, exactly, type Row } from '../report.ts';
import { untilAnswered } from './answers.ts';
import { memories } from './memories.ts';

const FAILING = { 'main.js': `exports.main = async () => { throw new Error('no price feed'); };\n` };
/** So long that a bot which failed twice is still backing off when everything is over. */
const BACKOFF = ['--restart-base', '15m', '--restart-cap', '15m'];
const STILL_BACKING_OFF_MS = 180_000;
const DEADLINE_MS = 300_000;
const BAR_MS = 3000;
const PREFIX = `adopted-${process.pid}-`;

const docker = new Docker();

/** @param bots how many, of which `failing` end with an error at every start */
export async function adoptionOnDocker({ bots, failing }: { bots: number; failing: number }) {
  const folders = await makeFolders();
  const ids = Array.from({ length: bots }, (_, index) => `${PREFIX}${index}`);
  const failingIds = ids.slice(0, failing);
  const servingIds = ids.slice(failing);
  const port = await probePort('127.0.0.1', 0);
  const start = () => startRuntime({ engine: 'docker', folders, flags: ['--query-port', String(port), ...BACKOFF] });
  for (const id of failingIds) await writeBot(folders.botsDir, { id, files: FAILING, entrypoints: { bot: 'main.js' } });
  for (const id of servingIds) await writeBot(folders.botsDir, { id, files: IDLE_NODE });

  let runtime = await start();
  try {
    await allAtRest(runtime, failingIds, servingIds);
    const before = await picture(runtime);
    await runtime.end('SIGKILL');
    const written = memories(folders.dataDir);
    const edited = servingIds.at(-1) ?? '';
    await edit(folders, edited);

    const adoptedServing = servingIds.filter((id) => id !== edited);
    const begun = performance.now();
    const starting = start();
    const [answered] = await Promise.all([
      answerTimes(`http://127.0.0.1:${port}`, adoptedServing, begun),
      // Awaited here, so that a runtime that does not start fails the benchmark with what it printed.
      starting.then((started) => {
        runtime = started;
      }),
    ]);
    const [old] = before.get(edited)?.containers ?? [];
    const runsAnew = ({ state, containerId }: BotReport) => state === 'running' && containerId !== old?.id;
    await runtime.until(edited, 'is replaced', runsAnew, DEADLINE_MS);
    await untilAnswered(runtime.queryUrl, edited);
    const editedMs = performance.now() - begun;
    const after = await picture(runtime);

    const others = ids.filter((id) => id !== edited);
    const untouched = others.filter((id) => isSameStart(before.get(id), after.get(id)));
    const isReplaced = old !== undefined && !after.get(edited)?.containers.some(({ id }) => id === old.id);
    const containers = [...after.values()].flatMap((bot) => bot.containers);
    const remembered = failingIds.filter((id) => isRemembered(before.get(id)?.report, after.get(id)?.report));
    const counted = await failOnceMore(runtime, failingIds, after);
    const counting = counted.filter(([id, attempt]) => attempt === (written.get(id)?.attempt ?? Number.NaN) + 1);
    const rows: Row[] = [
      exactly('docker: adopted untouched (same container, same start)', untouched.length, bots - 1, 'bots'),
      exactly('docker: edited meanwhile, replaced', isReplaced ? 1 : 0, 1, 'bots'),
      exactly('docker: duplicates', containers.length - bots, 0, 'containers'),
      exactly('docker: backoff, reason and restarts remembered', remembered.length, failing, 'bots'),
      exactly('docker: attempts counted on at the next failure', counting.length, failing, 'bots'),
      atMost('docker: start of the process to the first query answered', answered.first, BAR_MS, 'ms'),
      atMost(`docker: to all ${adoptedServing.length} adopted that run`, answered.all, BAR_MS, 'ms'),
    ];
    const note = `docker: ${bots} bots, ${failing} of them failing and backing off; the replaced bot answered after ${Math.round(editedMs)} ms.`;
    return { rows, note };
  } finally {
    await runtime.end('SIGINT');
    await removeContainers();
    await removeFolders(folders);
  }
}

/** Until all serve, and all that fail have long to wait. Those that drew a short backoff are told to try again at once. */
async function allAtRest(
  runtime: RuntimeUnderTest,
  failingIds: readonly string[],
  servingIds: readonly string[],
): Promise<void> {
  await Promise.all(servingIds.map((id) => poll(`${id} to answer`, () => isAnswering(runtime, id), DEADLINE_MS, 250)));
  for (const id of failingIds) {
    await poll(
      `${id} to back off for long`,
      async () => {
        const bot = await runtime.bot(id);
        if (bot?.state !== 'backing-off' || bot.retryAt === null) return undefined;
        if (Date.parse(bot.retryAt) - Date.now() > STILL_BACKING_OFF_MS) return true;
        await runtime.admin.reset(id);
        return undefined;
      },
      DEADLINE_MS,
      250,
    );
  }
}

async function isAnswering(runtime: RuntimeUnderTest, id: string): Promise<true | undefined> {
  return (await runtime.ask(id, '/pid')).body.status === 'ok' ? true : undefined;
}

interface BotPicture {
  readonly report: BotReport;
  readonly containers: readonly { readonly id: string; readonly startedAt: string }[];
}

/** What the runtime says of each bot, and what Docker itself says. */
async function picture(runtime: RuntimeUnderTest): Promise<Map<string, BotPicture>> {
  const containers = await botContainers();
  const inspected = await Promise.all(containers.map(({ Id: id }) => docker.getContainer(id).inspect()));
  const reports = await runtime.admin.bots();
  return new Map(
    reports.map((report) => {
      const own = inspected.filter(({ Config: config }) => config.Labels['runtime.id'] === report.id);
      return [report.id, { report, containers: own.map((one) => ({ id: one.Id, startedAt: one.State.StartedAt })) }];
    }),
  );
}

async function botContainers(): Promise<Docker.ContainerInfo[]> {
  const all = await docker.listContainers({ all: true });
  return all.filter(({ Labels: labels }) => labels['runtime.id']?.startsWith(PREFIX));
}

async function removeContainers(): Promise<void> {
  for (const { Id: id } of await botContainers()) await docker.getContainer(id).remove({ force: true });
}

async function edit({ botsDir }: RuntimeFolders, id: string): Promise<void> {
  const text = JSON.stringify(botJson({ id, config: { edited: true } }));
  await writeFile(join(botsDir, id, 'bot.json'), text);
}

async function answerTimes(queryUrl: string, ids: readonly string[], begun: number) {
  const [first = '', ...others] = ids;
  await untilAnswered(queryUrl, first);
  const firstMs = performance.now() - begun;
  await Promise.all(others.map((id) => untilAnswered(queryUrl, id)));
  return { first: firstMs, all: performance.now() - begun };
}

function isSameStart(before: BotPicture | undefined, after: BotPicture | undefined): boolean {
  const [was] = before?.containers ?? [];
  const [is] = after?.containers ?? [];
  return after?.containers.length === 1 && was !== undefined && is?.id === was.id && is.startedAt === was.startedAt;
}

function isRemembered(before: BotReport | undefined, after: BotReport | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  return (
    after.state === 'backing-off' &&
    after.retryAt === before.retryAt &&
    after.restarts === before.restarts &&
    after.reason.code === before.reason.code &&
    after.reason.at === before.reason.at
  );
}

/**
 * How often a bot has failed in a row shows in nothing but its next backoff. So each is started by hand, fails once more,
 * and what is written down then is read.
 */
async function failOnceMore(
  runtime: RuntimeUnderTest,
  ids: readonly string[],
  pictures: ReadonlyMap<string, BotPicture>,
): Promise<[string, number][]> {
  const counted: [string, number][] = [];
  for (const id of ids) {
    const bot = pictures.get(id);
    const [container] = bot?.containers ?? [];
    if (bot === undefined || container === undefined) throw new Error(`${id} has no container`);
    await docker.getContainer(container.id).start();
    const failedAgain = (report: BotReport) =>
      report.state === 'backing-off' &&
      report.restarts > bot.report.restarts &&
      report.reason.at > bot.report.reason.at;
    await runtime.until(id, 'fails once more', failedAgain, DEADLINE_MS);
    const attempt = await poll(
      `the failure of ${id} to be written down`,
      async () => {
        const memory = memories(runtime.dataDir).get(id);
        return memory !== undefined && memory.restarts > bot.report.restarts ? memory.attempt : undefined;
      },
      5000,
    );
    counted.push([id, attempt]);
  }
  return counted;
}
