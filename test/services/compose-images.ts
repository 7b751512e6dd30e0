import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { docker, removeOldImages } from './docker.ts';
import { runtimeImage } from './runtime-image.ts';
import { serviceBinary } from './service-process.ts';

const run = promisify(execFile);
const PROJECT = join(import.meta.dirname, '../..');
/** Raised when what is in the images changes. */
const RECIPE = 1;

export interface ComposeImages {
  readonly mongodb: string;
  readonly nats: string;
  readonly minio: string;
  /** With the services of now, however old the built image is. */
  readonly runtime: string;
}

/** Images of the servers that test/services/*.sh bring, made once each; the network has none to offer. */
export async function composeImages(): Promise<ComposeImages> {
  const base = await baseImage();
  const [mongodb, nats, minio] = await Promise.all([
    serverImage('the0-test-mongodb', base, await mongoFiles(), MONGO_ENTRYPOINT),
    serverImage('the0-test-nats', base, await binary('nats-server'), ['/srv/nats-server']),
    serverImage('the0-test-minio', base, await binary('minio'), ['/srv/minio']),
  ]);
  return { mongodb, nats, minio, runtime: await servicesImage() };
}

interface Files {
  /** Everything that, when it changes, makes another image. */
  readonly versions: readonly (string | Buffer)[];
  copyTo(folder: string): Promise<unknown>;
}

async function binary(name: string): Promise<Files> {
  const file = serviceBinary(name);
  return { versions: [await readFile(file)], copyTo: (folder) => cp(file, join(folder, name)) };
}

const MONGO_ENTRYPOINT = [
  ...['/srv/java/bin/java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  ...['-cp', '/srv/mongodb/lib/*:/srv/mongodb', 'MongoSubstitute', '27017'],
];

/** With as much of Java as it needs. */
async function mongoFiles(): Promise<Files> {
  const home = join(dirname(dirname(serviceBinary('mongo-java-server'))), 'mongodb');
  const java = await realpath((await run('sh', ['-c', 'command -v java'])).stdout.trim());
  const versions = ['MongoSubstitute.java', 'pom.xml'].map((name) => readFile(join(home, name)));
  return {
    versions: [java, ...(await Promise.all(versions))],
    async copyTo(folder) {
      await cp(home, join(folder, 'mongodb'), { recursive: true });
      const modules = 'java.base,java.logging,java.management,java.naming,java.sql,jdk.unsupported';
      const options = ['--no-header-files', '--no-man-pages', '--strip-java-debug-attributes'];
      await run('jlink', ['--add-modules', modules, ...options, '--output', join(folder, 'java')]);
    },
  };
}

async function serverImage(repo: string, base: string, files: Files, entrypoint: readonly string[]): Promise<string> {
  const changes = ['USER 0:0', 'WORKDIR /', 'CMD []', `ENTRYPOINT ${JSON.stringify(entrypoint)}`];
  return await imageWith(base, repo, '/srv', files, changes);
}

/** The runtime image with the sources of the services as they are here; their packages are those of the image. */
async function servicesImage(): Promise<string> {
  const base = await runtimeImage();
  const parts = ['package.json', 'src', 'actors'];
  const files: Files = {
    versions: [base, ...(await Promise.all(parts.map((part) => contentOf(join(PROJECT, part))))).flat()],
    copyTo: async (folder) => {
      for (const part of parts) await cp(join(PROJECT, part), join(folder, part), { recursive: true });
    },
  };
  return await imageWith(base, 'the0-test-services', '/app/services', files, []);
}

/** Names and contents of a file, or of everything in a folder. */
async function contentOf(path: string): Promise<(string | Buffer)[]> {
  if ((await stat(path)).isFile()) return [path, await readFile(path)];
  const inside = (await readdir(path)).sort().map((name) => contentOf(join(path, name)));
  return (await Promise.all(inside)).flat();
}

/** `base` with more files at `place`. */
async function imageWith(
  base: string,
  repo: string,
  place: string,
  files: Files,
  changes: readonly string[],
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([RECIPE, changes]));
  for (const version of files.versions) hash.update(version);
  const tag = hash.digest('hex').slice(0, 12);
  const present = await docker.listImages({ filters: { reference: [repo] } });
  if (present.some(({ RepoTags }) => RepoTags?.includes(`${repo}:${tag}`))) return `${repo}:${tag}`;
  const root = await mkdtemp(join(tmpdir(), 'the0-compose-image-'));
  try {
    await files.copyTo(join(root, basename(place)));
    // An imported base has no command and must be given one; the changes take it away again.
    const container = await docker.createContainer({ Image: base, ...(changes.length === 0 ? {} : { Cmd: ['true'] }) });
    try {
      const tar = spawn('tar', ['-C', root, '--owner=0', '--group=0', '--mode=a+rX', '-c', basename(place)]);
      const closed = once(tar, 'close');
      await container.putArchive(tar.stdout, { path: dirname(place) });
      if ((await closed)[0] !== 0) throw new Error(`the files of ${repo} could not be packed`);
      await container.commit({ repo, tag, changes: [...changes, 'LABEL the0.test-image=1'].join('\n') });
    } finally {
      await container.remove();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  await removeOldImages(present);
  return `${repo}:${tag}`;
}

async function baseImage(): Promise<string> {
  const made = 'the0-base:bookworm';
  const images = await docker.listImages({ filters: { reference: [made] } });
  return images.length > 0 ? made : 'the0-runtime:slim';
}
