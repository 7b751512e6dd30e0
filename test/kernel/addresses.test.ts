import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AddressReader, AddressWriter } from '../../src/kernel/addresses.ts';

describe('addresses on a stream', () => {
  it('are read as they were written, though each id is sent only once', () => {
    const [writer, reader] = [new AddressWriter(), new AddressReader()];
    const sent: string[] = [];
    const send = (ids: string[]) => {
      const numbers = ids.map((id) => writer.number(id));
      const taken = writer.take();
      sent.push(...taken.added);
      reader.learn(taken);
      return numbers.map((number) => reader.id(number));
    };
    assert.deepEqual(send(['a', 'b', 'a']), ['a', 'b', 'a']);
    assert.deepEqual(send(['b', 'c']), ['b', 'c']);
    assert.deepEqual(sent, ['a', 'b', 'c']);
  });

  it('start afresh when the table is full, and so stay bounded', () => {
    const [writer, reader] = [new AddressWriter(10), new AddressReader()];
    let highest = 0;
    for (let batch = 0; batch < 100; batch += 1) {
      const ids = [`x${batch}`, `y${batch}`, `x${batch - 1}`];
      const numbers = ids.map((id) => writer.number(id));
      highest = Math.max(highest, ...numbers);
      reader.learn(writer.take());
      assert.deepEqual(
        numbers.map((number) => reader.id(number)),
        ids,
      );
    }
    assert.ok(highest <= 12, `numbers went up to ${highest}`);
  });

  it('refuse a number that was never given', () => {
    assert.throws(() => new AddressReader().id(0), RangeError);
  });
});
