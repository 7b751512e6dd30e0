import type { Settings } from '../config/settings.ts';
import type { BotCredentials } from '../engine/bot-credentials.ts';
import { EngineError } from '../engine/container-engine.ts';
import type { MinioBotCredentials } from '../storage/minio/bot-credentials.ts';
import { StoreError } from '../storage/object-store.ts';
import type { RuntimeStore } from './object-store.ts';

/** Null: there is no store, or containers get the keys of the runtime itself. Nothing is sent yet. */
export async function openBotCredentials(
  { engine, docker, objectStore }: Settings,
  runtimeStore: RuntimeStore | null,
): Promise<MinioBotCredentials | null> {
  const { mode, atOnce, deadlineMs, sessionMs } = docker.keys;
  if (engine !== 'docker' || runtimeStore === null || mode === 'shared') return null;
  const { MinioBotCredentials } = await import('../storage/minio/bot-credentials.ts');
  const { access, store } = runtimeStore;
  return new MinioBotCredentials({
    access,
    buckets: access.buckets,
    store,
    mode,
    atOnce,
    deadlineMs,
    sessionSeconds: Math.round(sessionMs / 1_000),
    limits: objectStore.limits,
  });
}

/** As the engine asks for them. */
export function keysForEngine(credentials: MinioBotCredentials): BotCredentials {
  return {
    async keysFor({ id, filePath }, purpose) {
      const asEngineError = (error: unknown) => {
        throw engineErrorFor(error, id, credentials.endpoint);
      };
      const keys = await credentials.keysFor({ botId: id, codeKey: filePath, purpose }).catch(asEngineError);
      if (keys === null) return null;
      const usable = keys.usable.catch(asEngineError);
      // Whoever does not wait for it need not hear of it.
      usable.catch(() => {});
      return { ...keys, usable };
    },
  };
}

function engineErrorFor(error: unknown, botId: string, endpoint: string): EngineError {
  const said = error instanceof Error ? error.message : String(error);
  const passes = error instanceof StoreError && (error.trouble === 'unreachable' || error.trouble === 'busy');
  const detail = `the object store ${endpoint} gives no keys for it: ${said}`;
  return new EngineError(
    passes
      ? { code: 'keys-unavailable', facts: { detail: `${endpoint}: ${said}` } }
      : { code: 'rejected', facts: { detail } },
    `Bot ${botId} cannot be started: ${detail}.`,
    { cause: error },
  );
}
