import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleAgent } from './bundle-agent.ts';
import { BuildError, run, step } from './docker-cli.ts';
import { copyServices } from './services.ts';

const IMAGES = fileURLToPath(new URL('.', import.meta.url));
/** Ignored by git; can be deleted at any time. */
const CACHE = fileURLToPath(new URL('../.cache/image', import.meta.url));

/**
 * Gathers in a temporary directory what the Dockerfile copies, with the modes it shall have.
 * @returns the directory; the caller removes it
 * @throws BuildError when a Node binary cannot be had
 */
export async function makeBuildContext(): Promise<string> {
  const [node20, node22] = await Promise.all([nodeBinary(20), nodeBinary(22)]);
  const context = mkdtempSync(join(tmpdir(), 'the0-image-'));
  copyFileSync(node20, join(context, 'node20'));
  copyFileSync(node22, join(context, 'node22'));
  copyFileSync(join(IMAGES, 'runtime/Dockerfile'), join(context, 'Dockerfile'));
  copyFileSync(join(IMAGES, 'runtime/launcher.sh'), join(context, 'launcher.sh'));
  const plain = { recursive: true, filter: (path: string) => !path.includes('__pycache__') };
  cpSync(join(IMAGES, 'wrappers'), join(context, 'wrappers'), plain);
  cpSync(join(IMAGES, 'sdk/python/the0'), join(context, 'sdk/python/the0'), plain);
  // Where Node looks for it: a folder of modules, named by NODE_PATH.
  cpSync(join(IMAGES, 'sdk/nodejs'), join(context, 'sdk/nodejs/node_modules/@alexanderwanyoike/the0-node'), plain);
  await bundleAgent(join(context, 'agent.js'));
  copyServices(join(context, 'services'), join(context, 'packages'));
  const programs = ['node20', 'node22', 'launcher.sh', 'wrappers/python_bot.py', 'wrappers/node_bot.js'];
  readableByAll(context);
  for (const program of programs) chmodSync(join(context, program), 0o755);
  return context;
}

function readableByAll(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) readableByAll(path);
    else chmodSync(path, 0o644);
  }
}

/** Node's own release for Linux, from the package registry: there is no other source on many machines. */
async function nodeBinary(major: 20 | 22): Promise<string> {
  const name = `node-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
  const binary = join(CACHE, `${name}-${major}`);
  if (existsSync(binary)) return binary;
  step(`Fetching Node ${major} (package ${name}@${major})`);
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', directory, `${name}@${major}`], { quiet: true });
    const archive = readdirSync(directory).find((file) => file.endsWith('.tgz'));
    if (archive === undefined) throw new BuildError(`npm delivered no ${name}@${major}`);
    await run('tar', ['-xzf', join(directory, archive), '-C', directory, 'package/bin/node']);
    renameSync(join(directory, 'package/bin/node'), binary);
    return binary;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
