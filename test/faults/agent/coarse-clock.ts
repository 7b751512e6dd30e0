/**
 * Loaded before an agent (`--import`): the times of files move in steps, as on kernels whose clock ticks 100 times a second.
 * Newer ones move them with every change that follows a look, and a change that no time shows never happens there.
 */
import fs, { Stats } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const TICK_MS = 10;

function coarse<Look extends typeof fs.lstatSync | typeof fs.fstatSync>(look: Look): Look {
  return new Proxy(look, {
    apply(target, self, args) {
      const stat: unknown = Reflect.apply(target, self, args);
      if (!(stat instanceof Stats)) return stat;
      stat.mtimeMs -= stat.mtimeMs % TICK_MS;
      stat.ctimeMs -= stat.ctimeMs % TICK_MS;
      return stat;
    },
  });
}

Object.assign(fs, { lstatSync: coarse(fs.lstatSync), fstatSync: coarse(fs.fstatSync) });
syncBuiltinESMExports();
