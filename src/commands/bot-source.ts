import { hostname } from 'node:os';
import process from 'node:process';
import type { MongoClient } from 'mongodb';
import type { BotKind } from '../../actors/bot-spec.ts';
import type { Settings } from '../config/settings.ts';
import type { DesiredState } from '../desired/desired-state.ts';
import { createDirectorySource } from '../desired/directory/directory-source.ts';
import type { EventFeed } from '../desired/event-feed.ts';
import { LocalRunLedger } from '../desired/local/local-run-ledger.ts';
import type { RoleLease } from '../desired/role-lease.ts';
import type { RunLedger } from '../desired/run-ledger.ts';
import { type ServiceState, unusable } from '../desired/service-state.ts';
import { type DataDirectory, dataPaths } from '../storage/data-directory.ts';
import { createCodeStore } from '../storage/filesystem/code-store.ts';
import { UsageError } from './exit-code.ts';
import type { Role } from './roles.ts';

/** Where bots come from, and what comes with it. */
export interface BotSource {
  readonly desired: DesiredState;
  /** Null: this process runs no scheduled bots. */
  readonly ledger: RunLedger | null;
  /** Whose containers there are: the name that all processes with the same bots have in common. */
  readonly instance: string;
  /** Null: nobody else can keep the same bots. */
  readonly shared: SharedBots | null;
  /** Services that all this rests on, by the name that people know. To be asked every few seconds. */
  readonly services: ReadonlyMap<string, () => ServiceState | Promise<ServiceState>>;
  /** After the desired state was closed. */
  close(): Promise<void>;
}

/** Bots of which other processes know, too. */
export interface SharedBots {
  /** One for each kind of bots that this process keeps. */
  readonly leases: readonly RoleLease[];
  /** Started by whoever holds the leases; null: NATS is not configured. */
  readonly feed: EventFeed | null;
  /** A bot's document was written. */
  hint(botId: string): void;
}

export interface BotSourceParts {
  readonly settings: Settings;
  readonly role: Role;
  readonly data: DataDirectory;
  readonly hasCodeStore: boolean;
  /** Names the engine: two processes with different names can run the same bot twice. */
  readonly engineId: string;
  /** Revisions whose code is in use. */
  readonly revisionsInUse: (botId: string) => ReadonlySet<string>;
}

/**
 * A folder, or MongoDB where an address of it is given.
 * @throws UsageError, MongoTroubleError when MongoDB does not answer in time
 */
export async function openBotSource(parts: BotSourceParts): Promise<BotSource> {
  const { mongoUri } = parts.settings.services;
  return mongoUri === null ? folderSource(parts) : await mongoSource(parts, mongoUri);
}

function folderSource({ settings, data, hasCodeStore, revisionsInUse }: BotSourceParts): BotSource {
  return {
    desired: createDirectorySource({
      directory: settings.bots,
      codeCopies: createCodeStore(data.root, revisionsInUse),
      hasCodeStore,
      resyncMs: settings.changes.resyncMs,
      ...settings.directory,
    }),
    ledger: new LocalRunLedger({ directory: dataPaths(data.root).schedules, owner: data.instance }),
    instance: data.instance,
    shared: null,
    services: new Map(),
    close: async () => {},
  };
}

/** Of the lease of each kind; `up` with both kinds is both. */
const LEASED_ROLE: Record<BotKind, string> = { realtime: 'bot-runner', scheduled: 'bot-scheduler' };

async function mongoSource({ settings, role, data, engineId }: BotSourceParts, uri: string): Promise<BotSource> {
  const { services, stored, timeZone } = settings;
  const { connectMongo } = await import('../desired/mongodb/connect.ts');
  const { deploymentId } = await import('../desired/mongodb/deployment-id.ts');
  const { MongoSource } = await import('../desired/mongodb/mongo-source.ts');
  const client = await connectMongo(uri, services.mongo);
  try {
    const instance = await deploymentId(client);
    const { kinds, governs } = role;
    const desired = new MongoSource(client, null, { kinds, createIndexes: governs, ...services.desired });
    const known = new Map<string, () => ServiceState | Promise<ServiceState>>();
    // What the source knows may be as old as the last change.
    known.set('MongoDB', async () =>
      (await answers(client)) ? desired.state() : unusable('MongoDB does not answer.'),
    );
    const base = { desired, instance, services: known, close: () => client.close() };
    if (!governs) return { ...base, ledger: null, shared: null };

    const { MongoRoleLease } = await import('../desired/mongodb/mongo-role-lease.ts');
    const { MongoRunLedger } = await import('../desired/mongodb/mongo-run-ledger.ts');
    const ledger = kinds.includes('scheduled') ? new MongoRunLedger(client, engineId) : null;
    const leases = kinds.map(
      (kind) =>
        new MongoRoleLease(client, {
          kind,
          role: LEASED_ROLE[kind],
          holder: holderName(role.name, engineId),
          place: data.instance,
          engine: engineId,
          lingerMs: settings.bot.stopGraceMs + settings.bot.agentGraceMs,
          engineIsGone: async (engine) => {
            if (kind === 'scheduled') await ledger?.endRunsOf(engine);
          },
          ...services.lease,
          takeFrom: services.lease.takeFrom.split(','),
        }),
    );
    const feed = stored.natsUrl === null ? null : await natsFeed(client, stored.natsUrl);
    if (feed !== null) known.set('NATS', () => feed.state());
    return {
      ...base,
      ledger,
      shared: { leases, feed, hint: (botId) => desired.hint(botId) },
    };
  } catch (error) {
    await client.close();
    throw error;
  }

  async function natsFeed(mongo: typeof client, servers: string): Promise<EventFeed> {
    const { EventWriter } = await import('../desired/mongodb/event-writer.ts');
    const { cronNextRun } = await import('../desired/mongodb/next-run.ts');
    const { NatsFeed } = await import('../desired/nats/nats-feed.ts');
    return new NatsFeed(new EventWriter(mongo, cronNextRun(timeZone)), {
      servers,
      kinds: role.kinds,
      ...services.events,
      deletionsKeptMs: services.desired.tombstoneMs,
    });
  }
}

async function answers(client: MongoClient): Promise<boolean> {
  try {
    await client.db('admin').command({ ping: 1 });
    return true;
  } catch {
    return false; // whatever it is: it is asked again
  }
}

/** For people. */
function holderName(role: Role['name'], engineId: string): string {
  return `${role} on ${hostname()} (process ${process.pid}) on the engine ${engineId}`;
}

/** @throws UsageError that says what a role cannot do without */
export function assertRoleHasItsNeeds({ name, needs }: Role, hasObjectStore: boolean, { stored }: Settings): void {
  if (needs.includes('object-store') && !hasObjectStore) {
    throw new UsageError(
      `${name} needs the object store in which the code of the bots is`,
      'Set MINIO_ENDPOINT, MINIO_ACCESS_KEY and MINIO_SECRET_KEY.',
    );
  }
  if (needs.includes('nats') && stored.natsUrl === null) {
    throw new UsageError(`${name} needs NATS, from which it hears of changed bots`, 'Set NATS_URL.');
  }
}
