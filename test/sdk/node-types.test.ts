import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { scratchDirectory } from './sdk-driver.ts';

const ROOT = resolve(import.meta.dirname, '../..');

const BOT = `
import the0, { error, log, metric, parse, query, sleep, state, success } from '@alexanderwanyoike/the0-node';
import type { BotInput, BotResult, LogLevel } from '@alexanderwanyoike/the0-node';

interface Config { step: number }
const input: BotInput<Config> = parse<Config>();
const untyped: unknown = parse().config['anything'];
const step: number = input.config.step;
// The default's type is the answer's type, without undefined.
const count: number = state.get('count', 0) + state.get<number>('count', 0) + step;
const maybe: number | undefined = state.get<number>('count');
const old: number = state.get<number>('count', 0) ?? 0;
state.set('count', count);
const gone: boolean = state.remove('a') || state.delete('b') || state.exists('c');
const keys: string[] = state.list();
state.clear();
const level: LogLevel = 'warn';
log('text'); log('text', level); log('text', { a: 1 }); log('text', { a: 1 }, 'error'); log('text', undefined, 'error');
metric('m', { value: 1 });
success('done', { a: 1 });
const result: BotResult = { status: 'success', message: 'x' };

query.handler('/a', (req: query.QueryRequest) => {
  const limit: string = req.get('limit', '10');
  const none: string | undefined = req.get('none');
  const param: string | undefined = req.params['x'];
  return { limit, none, param, path: req.path };
});
const slow: query.QueryHandler = async () => 1;
query.handler('/b', slow);
query.onStop(() => {});
const params: Record<string, string> = query.getParams();
const config: Record<string, unknown> = query.getConfig();
const mode: boolean = query.isQueryMode();
const run: Promise<void> = query.run();
const refused: Error = new state.ReadOnlyStateError('x');
const sameClass: boolean = refused instanceof query.ReadOnlyStateError;
const viaDefault: Promise<void> = the0.sleep(1).then(() => sleep(1));
the0.state.set('k', 1);
// @ts-expect-error levels are checked
log('text', 'loud');
function last(): string { error('x'); }
export { untyped, maybe, old, gone, keys, result, params, config, mode, run, sameClass, viaDefault, last };
`;

describe('The types of the Node SDK', () => {
  it('fit a strict bot, as an ES module and as CommonJS', (t) => {
    const scratch = scratchDirectory(t);
    const scope = join(scratch, 'node_modules/@alexanderwanyoike');
    mkdirSync(scope, { recursive: true });
    symlinkSync(join(ROOT, 'images/sdk/nodejs'), join(scope, 'the0-node'));
    for (const name of ['bot.mts', 'bot.cts']) writeFileSync(join(scratch, name), BOT);
    const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, types: [] };
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['bot.mts', 'bot.cts'] }));
    const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', scratch], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });

  it('name what the package exports, to require and to import', (t) => {
    const scratch = scratchDirectory(t);
    const scope = join(scratch, 'node_modules/@alexanderwanyoike');
    mkdirSync(scope, { recursive: true });
    symlinkSync(join(ROOT, 'images/sdk/nodejs'), join(scope, 'the0-node'));
    const names = 'error log metric parse query result sleep state success'.split(' ');
    writeFileSync(
      join(scratch, 'same.mjs'),
      `import { createRequire } from 'node:module';
       import the0, * as named from '@alexanderwanyoike/the0-node';
       const required = createRequire(import.meta.url)('@alexanderwanyoike/the0-node');
       const same = Object.keys(the0).every((key) => named[key] === the0[key] && required[key] === the0[key] && required.default[key] === the0[key]);
       console.log(JSON.stringify({ same, names: Object.keys(the0).sort(), named: Object.keys(named).sort() }));`,
    );
    const run = spawnSync(process.execPath, [join(scratch, 'same.mjs')], { encoding: 'utf8' });
    assert.equal(run.stderr, '');
    const found: unknown = JSON.parse(run.stdout);
    assert.deepEqual(found, { same: true, names, named: ['default', ...names].sort() });
  });

  it('carry the version that is promised', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'images/sdk/nodejs/package.json'), 'utf8'));
    assert.ok(typeof manifest === 'object' && manifest !== null && 'version' in manifest && 'name' in manifest);
    assert.deepEqual([manifest.name, manifest.version], ['@alexanderwanyoike/the0-node', '0.3.1']);
  });
});
