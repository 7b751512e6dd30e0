import { DockerApi, type DockerDeadlines, type DockerSockets } from './docker-api.ts';
import { toEngineError } from './docker-errors.ts';

/**
 * What tells this Docker Engine from every other one; it keeps it for ever.
 * @throws EngineError `unreachable`
 */
export async function dockerEngineId(deadlines: DockerDeadlines, sockets: DockerSockets): Promise<string> {
  const api = new DockerApi(deadlines, sockets);
  try {
    return await api.engineId();
  } catch (error) {
    throw toEngineError(error, 'Asking Docker who it is');
  } finally {
    api.close();
  }
}
