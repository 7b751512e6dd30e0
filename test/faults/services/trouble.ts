import process from 'node:process';
import type { Random } from '../../simulation/random.ts';
import type { ServiceProxy } from './service-proxy.ts';
import type { ServiceName, ServicesStage } from './services-stage.ts';

/** What is wrong with a service for a while. */
export interface Trouble {
  readonly what: string;
  /** The API cannot publish events meanwhile. */
  readonly isApiDeaf: boolean;
  mend(): Promise<void>;
}

const WAYS = ['refuses', 'silent', 'slow', 'cut', 'stopped', 'frozen'] as const;
/** The engine is everybody's here, so it goes on; only the way to it gets bad. */
const WAYS_TO_DOCKER = ['refuses', 'silent', 'slow', 'cut'] as const;

export async function beginTrouble(service: ServiceName, stage: ServicesStage, random: Random): Promise<Trouble> {
  const way = service === 'docker' ? random.pick(WAYS_TO_DOCKER) : random.pick(WAYS);
  const proxy = stage.proxies[service];
  const told = { what: `${service} ${way}`, isApiDeaf: false };
  switch (way) {
    case 'refuses':
    case 'silent':
    case 'slow':
      proxy.weather = way;
      return { ...told, mend: async () => clearUp(proxy) };
    case 'cut':
      proxy.cut();
      return { ...told, mend: async () => {} };
    default:
  }
  const isApiDeaf = service === 'nats';
  if (service === 'docker') throw new Error(`${service} is not ${way}`);
  if (way === 'stopped') {
    const mend = await stop(service, stage);
    return { ...told, isApiDeaf, mend };
  }
  const { pid } = stage[service];
  process.kill(pid, 'SIGSTOP');
  return { ...told, isApiDeaf, mend: async () => void process.kill(pid, 'SIGCONT') };
}

async function stop(service: Exclude<ServiceName, 'docker'>, stage: ServicesStage): Promise<() => Promise<void>> {
  if (service === 'minio') {
    stage.proxies.minio.weather = 'refuses';
    return async () => {
      await stage.minio.restart();
      stage.proxies.minio.weather = 'fair';
    };
  }
  const server = stage[service];
  await server.stop();
  return () => server.start();
}

function clearUp(proxy: ServiceProxy): void {
  proxy.weather = 'fair';
}
