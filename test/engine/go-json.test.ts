import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { goJson } from '../../src/engine/go-json.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('goJson', () => {
  it('gives the bytes whose hashes the contract records (App. C)', () => {
    const golden = [
      [{ threshold: 5, symbol: 'BTC/USD' }, '72cb76767ed7c139641f717f8619826280278956f96844debb389c30f7f06f2d'],
      [
        { z: [1, 'a<b>&', null], a: { y: true, x: 0.1 } },
        'ec235e1cae3f449507dcd454b42d717edf242e55e60f13f795dc3b8a72d01c6f',
      ],
      [{}, '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'],
    ] as const;
    for (const [config, hash] of golden) assert.equal(sha256(goJson(config)), hash);
  });

  it('gives the whole documents whose hashes the contract records', () => {
    const wrapped = (Config: Parameters<typeof goJson>[0], CustomBotVersion: string, Enabled: boolean | null) =>
      sha256(goJson({ Config, CustomBotVersion, Enabled })).slice(0, 16);
    assert.equal(wrapped({ symbol: 'BTC/USD', threshold: 5 }, '1.0.0', null), '7817a7cfc4239170');
    assert.equal(wrapped({ a: { x: 0.1, y: true }, z: [1, 'a<b>&', null] }, '2.3.4', null), 'cc2587e58622287b');
    assert.equal(wrapped(null, '', false), '6455bb203488a74a');
    assert.equal(wrapped({}, '1.0.0', true), '21e4ecb0c455bd9d');
  });

  it('escapes what could end a script or a line, and nothing else beyond ASCII', () => {
    assert.equal(goJson('<é>&\u2028\u2029\u007f'), '"\\u003cé\\u003e\\u0026\\u2028\\u2029\u007f"');
  });

  it('escapes quotes, backslashes and control characters', () => {
    assert.equal(goJson('"\\\n\t\u0001'), '"\\"\\\\\\n\\t\\u0001"');
  });

  it('replaces half a surrogate pair and leaves a whole one', () => {
    assert.equal(goJson('\ud83d\ude00 \ud83d'), '"\u{1f600} \\ufffd"');
  });

  it('sorts keys by their UTF-8 bytes, not by UTF-16 units', () => {
    assert.equal(goJson({ '\u{1f600}': 1, '\uff5e': 2, a: 3 }), '{"a":3,"\uff5e":2,"\u{1f600}":1}');
  });

  it('writes numbers in their shortest form', () => {
    assert.equal(goJson([1, 1.5, 1e21, 1e-7, 100, -0]), '[1,1.5,1e+21,1e-7,100,-0]');
  });
});
