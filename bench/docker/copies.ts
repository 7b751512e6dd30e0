import type Docker from 'dockerode';

/**
 * What to create to get the same container once more, under another name and with other labels: same image, limits, mounts
 * and environment, so that a bare loop starts just what the runtime starts.
 */
export function copyOf(
  original: Docker.ContainerInspectInfo,
  name: string,
  labels: Readonly<Record<string, string>>,
  restart = 'no',
): Docker.ContainerCreateOptions {
  const { Config: config, HostConfig: host } = original;
  return {
    name,
    Image: config.Image,
    Env: config.Env,
    User: config.User,
    WorkingDir: config.WorkingDir,
    Cmd: config.Cmd,
    Labels: { ...labels },
    HostConfig: { ...host, RestartPolicy: { Name: restart } },
  };
}

export async function removeLabelled(docker: Docker, label: string): Promise<void> {
  const found = await docker.listContainers({ all: true, filters: { label: [label] } });
  await Promise.all(found.map(({ Id: id }) => docker.getContainer(id).remove({ force: true })));
}
