import type Docker from 'dockerode';
import type { BotDefinition } from '../../../src/desired/bot-definition.ts';
import { goJson } from '../../../src/engine/go-json.ts';
import { aBot } from '../../desired/a-bot.ts';
import { docker } from '../../services/docker.ts';

export interface GoBot {
  readonly definition: BotDefinition;
  readonly image: string;
  readonly type?: 'realtime' | 'scheduled';
  readonly env?: Readonly<Record<string, string>>;
  /** What runs in it; absent: what the image runs. */
  readonly command?: readonly string[];
  readonly network?: string;
}

/** Goes on until it is asked to end; says `up` when it listens to that. */
export const RUNS = [
  'node',
  '-e',
  'process.on("SIGTERM",()=>process.exit(0));setInterval(()=>{},1e6);console.log("up")',
];

/** A realtime Node bot whose code and data are in the object store. */
export function storedNodeBot(id: string, filePath: string, config: BotDefinition['config']): BotDefinition {
  return aBot(id, { config, filePath, queryEntrypoint: null, specRevision: '' });
}

/** A container as the Go runtime creates it, property by property (contract 5.2); not started. */
export async function createGoContainer(bot: GoBot): Promise<Docker.Container> {
  const { definition, image, type = 'realtime', env = {}, command, network = 'bridge' } = bot;
  const { id, runtime, entrypoint, queryEntrypoint, filePath } = definition;
  const config = goJson(definition.config);
  const owned = 'nosuid,nodev,uid=1000,gid=1000';
  const variables = {
    PYTHONDONTWRITEBYTECODE: '1',
    ID: id,
    CONFIG: config,
    ENTRYPOINT_TYPE: 'bot',
    CODE_MOUNT_DIR: 'bot',
    STATE_DIR: '/state/.the0-state',
    MINIO_ENDPOINT: 'minio:9000',
    MINIO_ACCESS_KEY: 'service',
    MINIO_SECRET_KEY: 'service-secret',
    MINIO_USE_SSL: 'false',
    MINIO_QUERY_RESULTS_BUCKET: 'query-results',
    BOT_ID: id,
    CODE_FILE: filePath,
    RUNTIME: runtime,
    ENTRYPOINT: entrypoint,
    BOT_CONFIG: config,
    IS_SCHEDULED: String(type === 'scheduled'),
    ...(queryEntrypoint ? { QUERY_ENTRYPOINT: queryEntrypoint } : {}),
    BOT_TYPE: type,
    ...env,
  };
  return await docker.createContainer({
    Image: image,
    User: '1000:1000',
    WorkingDir: '/tmp',
    StopSignal: 'SIGTERM',
    ...(command === undefined ? {} : { Entrypoint: [...command], Cmd: [] }),
    Labels: {
      'runtime.managed': 'true',
      'runtime.id': id,
      'runtime.entrypoint': entrypoint,
      'runtime.type': type,
    },
    Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      NetworkMode: network,
      ExtraHosts: ['host.docker.internal:host-gateway'],
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Tmpfs: {
        '/bot': `rw,exec,${owned}`,
        '/state': `rw,${owned}`,
        '/query': `rw,${owned}`,
        '/var/the0': `rw,${owned}`,
        '/tmp': `rw,${owned},mode=1777`,
      },
      Memory: 512 * 1024 * 1024,
      CpuShares: 512,
      RestartPolicy: { Name: 'no' },
      AutoRemove: type === 'scheduled',
    },
  });
}

/** As the Go runtime finds realtime bots (contract 5.5, steps 2 and 3), whoever made their containers. */
export async function listAsGo(botId: string): Promise<{ running: string[]; exited: string[] }> {
  const all = await docker.listContainers({ all: true, filters: { label: ['runtime.managed=true'] } });
  const ofBot = all.filter(({ Labels }) => Labels['runtime.id'] === botId && Labels['runtime.type'] === 'realtime');
  const inState = (state: string) => ofBot.filter(({ State }) => State === state).map(({ Id }) => Id);
  return { running: inState('running'), exited: inState('exited') };
}
