import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineSplitter, parseEvent } from '../../../src/engine/docker/event-stream.ts';

const die = {
  status: 'die',
  Type: 'container',
  Action: 'die',
  Actor: { ID: 'c1', Attributes: { exitCode: '137', 'runtime.id': 'grüße-😀' } },
  time: 1795255451,
  timeNano: 1795255451536434400,
};
const documents = [JSON.stringify(die), '{"Action":"start"}', JSON.stringify({ text: 'line\nfeed' })];
const stream = Buffer.from(`${documents.join('\n')}\n`);

describe('LineSplitter', () => {
  it('finds the same documents wherever the stream is cut in two', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const lines = new LineSplitter(10_000);
      const found = [...lines.push(stream.subarray(0, cut)), ...lines.push(stream.subarray(cut))];
      assert.deepEqual(found, documents, `cut at ${cut}`);
    }
  });

  it('finds the same documents byte by byte', () => {
    const lines = new LineSplitter(10_000);
    assert.deepEqual(
      [...stream].flatMap((byte) => lines.push(Buffer.from([byte]))),
      documents,
    );
  });

  it('keeps an unfinished document to itself', () => {
    assert.deepEqual(new LineSplitter(100).push(Buffer.from('{"half":')), []);
  });

  it('refuses a document that does not end', () => {
    const lines = new LineSplitter(100);
    assert.throws(() => lines.push(Buffer.alloc(101, 'x')), RangeError);
  });
});

describe('parseEvent', () => {
  it('reads an exit', () => {
    const event = parseEvent(JSON.stringify(die));
    assert.ok(event);
    assert.equal(event.action, 'die');
    assert.equal(event.containerId, 'c1');
    assert.equal(event.exitCode, 137);
    assert.equal(event.labels['runtime.id'], 'grüße-😀');
    assert.equal(Math.floor(event.at), 1795255451536);
  });

  for (const [what, line] of [
    ['an action nobody asked for', JSON.stringify({ ...die, Action: 'rename' })],
    ['an event without a container', JSON.stringify({ ...die, Actor: {} })],
    ['an event without a time', JSON.stringify({ ...die, timeNano: 'now' })],
    ['something that is no JSON', '{"Action":"die"'],
    ['JSON that is no object', '[1]'],
  ] as const) {
    it(`passes over ${what}`, () => assert.equal(parseEvent(line), null));
  }
});
