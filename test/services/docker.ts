import Docker from 'dockerode';

const REQUIRED = process.env['THE0_REQUIRE_SERVICES'] === '1';
const ANSWER_MS = 3_000;

/** For tests' own looks and clean-ups; where Docker is comes from the standard environment. */
export const docker = new Docker();

/** Whether a Docker Engine answers here. */
export async function dockerAvailable(): Promise<boolean> {
  const ping = docker.ping().then(
    () => true,
    () => false,
  );
  const late = new Promise<false>((resolve) => setTimeout(resolve, ANSWER_MS, false).unref());
  return await Promise.race([ping, late]);
}

/**
 * Options for a suite that needs a real engine: `describe(name, await needsDocker(), …)`. Without one the suite is skipped
 * with a sentence, or runs and fails where services are required (THE0_REQUIRE_SERVICES=1).
 */
export async function needsDocker(): Promise<{ skip: string | false }> {
  if (REQUIRED || (await dockerAvailable())) return { skip: false };
  return { skip: 'no Docker Engine answers here; test/services/docker.sh brings one to a bare Debian machine' };
}

/** Ends and removes every container of one test's instance, whatever state the test left it in. */
export async function removeContainersOf(instance: string): Promise<void> {
  const left = await docker.listContainers({ all: true, filters: { label: [`the0.instance=${instance}`] } });
  await Promise.all(left.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone)));
}

/** How old an image of tests is before no run that goes on can be using it. */
const OLD_IMAGE_MS = 3_600_000;

/** Removes those of these images that are old, but for what a container still has: that is kept by Docker. */
export async function removeOldImages(images: readonly Docker.ImageInfo[]): Promise<void> {
  const old = images.filter(({ Created }) => Created * 1_000 < Date.now() - OLD_IMAGE_MS);
  const names = old.flatMap(({ RepoTags }) => RepoTags ?? []);
  await Promise.all(
    names.map((name) =>
      docker
        .getImage(name)
        .remove()
        .catch(() => undefined),
    ),
  );
}

function ignoreGone(error: unknown): void {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
  if (status !== 404 && status !== 409) throw error;
}

/** The host as containers on bridges see it: what listens there is reached by this host, too. */
export async function bridgeGateway(): Promise<string> {
  const { IPAM } = await docker.getNetwork('bridge').inspect();
  const gateway: unknown = IPAM?.Config?.[0]?.['Gateway'];
  if (typeof gateway !== 'string') throw new Error('the bridge of Docker has no gateway');
  return gateway;
}
