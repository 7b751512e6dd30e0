import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const LONG = `${'a-long-name-'.repeat(12)}dir`;
const NOT_ASCII = 'größe-💰-状態';

/** A directory that holds one of everything a bot may have in its state. */
export function beginState(root: string, ballastBytes: number, random: (bytes: number) => Buffer): void {
  for (const name of ['.the0-state', 'deep', 'deep/er', 'deep/er/still', LONG, NOT_ASCII, 'empty-directory']) {
    mkdirSync(join(root, name));
  }
  const ballastFiles = 8;
  for (let index = 0; index < ballastFiles; index++) {
    writeFileSync(join(root, `ballast-${index}`), random(Math.ceil(ballastBytes / ballastFiles)));
  }
  writeFileSync(join(root, 'shrinks'), Buffer.alloc(20_000, 'shrinks '));
  writeFileSync(join(root, 'moved-0'), 'is moved every time');
  writeFileSync(join(root, 'exactly-one-block'), Buffer.alloc(512, 'x'));
  writeFileSync(join(root, 'private'), 'for its owner alone', { mode: 0o600 });
}

/** What a bot does between two syncs, other things each time. @param turn from 1 */
export function changeState(root: string, turn: number): void {
  const path = (name: string) => join(root, name);
  appendFileSync(path('grows'), `line ${turn}\n`);
  truncateSync(path('shrinks'), 20_000 - (turn % 200) * 100);
  replace(path(`.the0-state/key-${turn % 4}.json`), JSON.stringify({ turn, filling: 'y'.repeat((turn * 37) % 700) }));
  writeFileSync(path('deep/er/still/rewritten'), `turn ${turn}`);
  writeFileSync(path(`${LONG}/${'and-a-longer-one-'.repeat(9)}${turn % 3}`), `long ${turn}`);
  writeFileSync(path(`${NOT_ASCII}/${'ü'.repeat(60)}-${turn % 3}.txt`), `not ASCII ${turn}`);
  writeFileSync(path('empty-now-and-then'), turn % 10 === 0 ? '' : 'full');
  replace(path('read-only'), `read-only ${turn}`, 0o444);
  chmodSync(path('private'), turn % 2 === 0 ? 0o600 : 0o640);
  if (turn % 5 === 0) writeFileSync(path('private'), `private ${turn}`);
  chmodSync(path('deep/er'), turn % 3 === 0 ? 0o700 : 0o755);

  renameSync(path(`moved-${turn - 1}`), path(`moved-${turn}`));
  writeFileSync(path(`lives-two-turns-${turn}`), 'x');
  rmSync(path(`lives-two-turns-${turn - 2}`), { force: true });
  rmSync(path('comes-and-goes'), { recursive: true, force: true });
  if (turn % 2 === 0) {
    mkdirSync(path('comes-and-goes/below'), { recursive: true });
    writeFileSync(path('comes-and-goes/below/file'), `${turn}`);
  }
  changeType(path('changes-type'), turn % 4);
  rmSync(path('link'), { force: true });
  symlinkSync(turn % 2 === 0 ? 'deep/er' : NOT_ASCII, path('link'));
}

function changeType(path: string, type: number): void {
  rmSync(path, { recursive: true, force: true });
  if (type === 0) writeFileSync(path, 'a file');
  else if (type === 1) symlinkSync('grows', path);
  else mkdirSync(type === 2 ? path : join(path, 'with', 'children'), { recursive: true });
}

/** As careful programs write. */
function replace(path: string, content: string, mode = 0o644): void {
  writeFileSync(`${path}.tmp`, content, { mode });
  renameSync(`${path}.tmp`, path);
}
