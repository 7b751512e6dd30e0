/**
 * Words of this folder: what goes into or beside containers. The *runtime image* runs bots; its *target* says for which
 * languages (`slim`, `full`); its *base* is the distribution below. See README.md in this folder.
 *
 * `npm run image -- [--target slim|full] [--base IMAGE] [--tag TAG]`
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BASE_IMAGE, chooseBase, type ImageTarget, UBUNTU } from './base-image.ts';
import { makeBuildContext } from './build-context.ts';
import { projectVersion } from './bundle-agent.ts';
import { BuildError, docker, requireDocker, step } from './docker-cli.ts';

const REPOSITORY = 'the0-runtime';
const USAGE = `Usage: npm run image -- [--target slim|full] [--base IMAGE] [--tag TAG]

  --target  slim: Python and Node bots; full: all languages (needs ${UBUNTU} and the network).
            Default: full where ${UBUNTU} is at hand or can be pulled, else slim.
  --base    image to build on; default for full ${UBUNTU}, for slim ${BASE_IMAGE} (made with debootstrap when missing)
  --tag     further name for the image; it always gets ${REPOSITORY}:<target>, :<version>-<target> and :local
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      base: { type: 'string' },
      tag: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const startedAt = performance.now();
  await requireDocker();
  const { target, base } = await chooseBase(targetOf(values.target), values.base);
  const version = projectVersion();
  const names = [
    `${REPOSITORY}:${target}`,
    `${REPOSITORY}:${version}-${target}`,
    `${REPOSITORY}:local`,
    ...(values.tag === undefined ? [] : [values.tag]),
  ];
  const context = await makeBuildContext();
  try {
    step(`Building ${names[0]} on ${base}`);
    await docker([
      'build',
      ...['--target', target, '--build-arg', `BASE=${base}`, '--build-arg', `VERSION=${version}`],
      ...names.flatMap((name) => ['--tag', name]),
      context,
    ]);
  } catch (error) {
    if (target === 'full' && values.target === undefined) {
      throw new BuildError(
        `${String(error)}\nWithout the network, build for Python and Node only: npm run image -- --target slim`,
      );
    }
    throw error;
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  step(`Built ${names.join(', ')} in ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

function targetOf(text: string | undefined): ImageTarget | null {
  if (text === undefined || text === 'slim' || text === 'full') return text ?? null;
  throw new BuildError(`there is no target "${text}": use slim or full`);
}

main().catch((error: unknown) => {
  process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
