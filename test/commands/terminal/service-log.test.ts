import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import * as v from 'valibot';

const MODULE = new URL('../../../src/commands/terminal/service-log.ts', import.meta.url);

/** What a process prints that logs these. */
async function output(format: 'json' | 'text', level: string, body: string): Promise<string[]> {
  const program = `
    import { ServiceLog } from ${JSON.stringify(MODULE.href)};
    const log = new ServiceLog({ level: '${level}', format: '${format}', waitingBytes: 65536, now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
    ${body}`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

async function printed(level: string, body: string): Promise<unknown[]> {
  return (await output('json', level, body)).map((line) => JSON.parse(line));
}

test('a service logs JSON lines on stdout, from its level on, without passwords', async () => {
  const lines = await printed(
    'INFO',
    `log.debug('not shown');
    log.info('Connected to mongodb://root:s3cret@db:27017.', { port: 8080, url: 'nats://tok3n@n1' });
    log.error('two\\nlines "quoted"');
    log.transition({ botId: 'a', from: 'starting', to: 'running',
      reason: { code: 'first-start', facts: {}, at: 0, incarnation: 7, specRevision: '' } });`,
  );
  const time = '2026-01-02T03:04:05.006Z';
  assert.deepEqual(lines.slice(0, 2), [
    {
      time,
      level: 'INFO',
      msg: 'Connected to mongodb://root:***@db:27017.',
      component: 'master',
      port: 8080,
      url: 'nats://***@n1',
    },
    { time, level: 'ERROR', msg: 'two\nlines "quoted"', component: 'master' },
  ]);
  assert.equal(lines.length, 3);
  const transition = v.parse(v.record(v.string(), v.unknown()), lines[2]);
  const { component, bot, code } = transition;
  assert.deepEqual([component, bot, code], ['master', 'a', 'first-start']);
});

test('a service logs text for people when it is asked to', async () => {
  const lines = await output(
    'text',
    'INFO',
    `log.info('Connected to mongodb://root:s3cret@db:27017.', { port: 8080 });
    log.transition({ botId: 'a', from: 'starting', to: 'running',
      reason: { code: 'started', facts: { tookMs: 5 }, at: Date.UTC(2026, 0, 2, 3, 4), incarnation: 7, specRevision: '' } });`,
  );
  assert.match(
    lines.join('\n'),
    /^\S+ +Connected to mongodb:\/\/root:\*\*\*@db:27017\. \(port=8080\)\n\S+ +a +running +The bot was started in 5 ms\.$/,
  );
});

test('the level leaves out what is below it, transitions too', async () => {
  const lines = await printed(
    'ERROR',
    `log.warn('no');
    log.transition({ botId: 'a', from: 'starting', to: 'running',
      reason: { code: 'first-start', facts: {}, at: 0, incarnation: 7, specRevision: '' } });
    log.error('yes');`,
  );
  assert.deepEqual(
    lines.map((line) => typeof line === 'object' && line !== null && 'msg' in line && line.msg),
    ['yes'],
  );
});
