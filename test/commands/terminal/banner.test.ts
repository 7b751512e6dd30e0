import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { reportBot } from '../../../src/admin/report.ts';
import { type BannerFacts, curlLine, renderBanner } from '../../../src/commands/terminal/banner.ts';
import {
  isShown,
  noticeJson,
  noticeText,
  transitionJson,
  transitionText,
} from '../../../src/commands/terminal/event-line.ts';
import { makeStyle } from '../../../src/commands/terminal/style.ts';
import { reason, status, T0 } from '../../admin/fake-read-side.ts';

const plain = makeStyle(false, 100);

function facts(overrides: Partial<BannerFacts> = {}): BannerFacts {
  return {
    version: '0.1.0',
    engine: 'process',
    botsFolder: 'images/bots',
    known: overrides.bots?.length ?? 1,
    dataDirectory: '.the0',
    bots: [reportBot(status('ticker'))],
    queryUrl: 'http://127.0.0.1:9477',
    tokenRequired: false,
    example: { botId: 'ticker', path: '/status' },
    clientFlags: '',
    nowMs: T0 + 5000,
    ...overrides,
  };
}

test('the start-up screen says what runs, where to ask, how to see more and how to stop', () => {
  const text = renderBanner(facts(), plain);
  assert.match(text, /the0-runtime 0\.1\.0 {2}1 bot from images\/bots, data in \.the0/);
  assert.match(text, /ticker +running +5s ago/);
  assert.match(text, /answered on http:\/\/127\.0\.0\.1:9477/);
  assert.match(text, /curl -s http:\/\/127\.0\.0\.1:9477\/query -d '\{"bot_id":"ticker","query_path":"\/status"\}'/);
  assert.match(text, /npx the0-runtime ls\n/);
  assert.match(text, /npx the0-runtime why ticker\n/);
  assert.match(text, /Ctrl-C here/);
});

test('the process engine says plainly that it isolates nothing; docker does not', () => {
  assert.match(renderBanner(facts(), makeStyle(false, 1000)), /Nothing isolates them/);
  assert.doesNotMatch(renderBanner(facts({ engine: 'docker' }), plain), /Nothing isolates/);
});

test('commands for another terminal carry the flags they need', () => {
  assert.match(
    renderBanner(facts({ clientFlags: '--data-dir /srv/x' }), plain),
    /npx the0-runtime ls --data-dir \/srv\/x\n/,
  );
});

test('without bots it says how to add one, and shows no curl line', () => {
  const text = renderBanner(facts({ bots: [], example: null }), plain);
  assert.match(text, /No bots yet/);
  assert.doesNotMatch(text, /curl/);
});

test('the curl line survives a shell, whatever the id', () => {
  const botId = `it's "$HOME" \`x\``;
  const line = curlLine('http://127.0.0.1:1', { botId, path: '/a b' }, true);
  const words = execFileSync('sh', ['-c', `QUERY_TOKEN=t; set -- ${line}; printf '%s\\n' "$@"`], {
    encoding: 'utf8',
  }).split('\n');
  assert.deepEqual(words.slice(0, 6), [
    'curl',
    '-s',
    '-H',
    'Authorization: Bearer t',
    'http://127.0.0.1:1/query',
    '-d',
  ]);
  assert.deepEqual(JSON.parse(words[6] ?? ''), { bot_id: botId, query_path: '/a b' });
});

test('a transition is one line for people', () => {
  const transition = { botId: 'tick\u001b[31mer', from: 'starting', to: 'running', reason: reason() };
  const line = transitionText(transition, plain, T0);
  assert.match(line, /^\d\d:\d\d:\d\d {2}ticker +running +\S.*\n$/);
});

test('a transition is one JSON object with time, level and msg for scripts', () => {
  const failed = reason({ code: 'bot-crashed', facts: { exitCode: 3 } });
  const text = transitionJson({ botId: 'ticker', from: 'running', to: 'backing-off', reason: failed });
  const line: unknown = JSON.parse(text);
  assert.ok(
    typeof line === 'object' && line !== null && 'level' in line && 'msg' in line && 'code' in line && 'time' in line,
  );
  assert.equal(line.level, 'ERROR');
  assert.equal(line.code, 'bot-crashed');
  assert.equal(line.time, '2026-03-14T15:09:26.000Z');
  assert.match(String(line.msg), /code 3/);
  assert.equal(text.indexOf('\n'), text.length - 1);
});

test('notices of the runtime come in both forms, and levels have an order', () => {
  const notice = { at: T0, level: 'WARN', message: 'disk\nfull', facts: { path: '/x' } } as const;
  assert.match(noticeText(notice, plain, T0), /^\d\d:\d\d:\d\d {2}disk full\n$/);
  assert.deepEqual(JSON.parse(noticeJson(notice)), {
    time: '2026-03-14T15:09:26.000Z',
    level: 'WARN',
    msg: 'disk\nfull',
    path: '/x',
  });
  assert.equal(isShown('INFO', 'WARN'), false);
  assert.equal(isShown('ERROR', 'WARN'), true);
});

test('of very many bots it shows the first and says how many there are', () => {
  const text = renderBanner(facts({ known: 1_000 }), plain);
  assert.match(text, /1000 bots from images\/bots/);
  assert.match(text, /… and 999 more: npx the0-runtime ls/);
});

test('what keeps bots from running is told once, with what to do', () => {
  const missing = {
    state: 'waiting',
    endpoint: null,
    reason: reason({ code: 'image-missing', facts: { image: 'x' } }),
  } as const;
  const bots = ['a', 'b', 'c'].map((id) => reportBot(status(id, missing)));
  const text = renderBanner(facts({ bots: [...bots, reportBot(status('d'))] }), makeStyle(false, 1000));
  assert.deepEqual(text.match(/^To do for .*$/gm)?.length, 1);
  assert.match(text, /^To do for a and 2 more: .*npm run image -- --target slim/m);
  assert.doesNotMatch(renderBanner(facts(), plain), /To do/);
});

test('bots from MongoDB come from no folder', () => {
  const text = renderBanner(facts({ botsFolder: null, bots: [], known: 0, example: null }), plain);
  assert.match(text, /0 bots from MongoDB/);
  assert.doesNotMatch(text, /folder with a bot\.json/);
});
