import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Mailbox, MailboxPool } from '../../src/kernel/mailbox.ts';
import { Ring } from '../../src/kernel/ring.ts';

describe('a ring', () => {
  it('gives items in the order in which it took them, across growth and wrap-around', () => {
    const ring = new Ring<number>(1_000);
    const out: (number | undefined)[] = [];
    let next = 0;
    for (let round = 0; round < 50; round += 1) {
      for (let i = 0; i < 7; i += 1) ring.push(next++);
      for (let i = 0; i < 5; i += 1) out.push(ring.shift());
    }
    while (ring.length > 0) out.push(ring.shift());
    assert.deepEqual(
      out,
      Array.from({ length: 350 }, (_, i) => i),
    );
  });

  it('refuses what exceeds its capacity, and takes it again when there is room', () => {
    const ring = new Ring<number>(20);
    const taken = Array.from({ length: 25 }, (_, i) => ring.push(i));
    assert.equal(taken.filter(Boolean).length, 20);
    assert.equal(ring.shift(), 0);
    assert.equal(ring.push(99), true);
    assert.equal(ring.push(100), false);
  });

  it('is usable after it shrank', () => {
    const ring = new Ring<number>(100);
    for (let i = 0; i < 100; i += 1) ring.push(i);
    ring.shrink();
    assert.equal(ring.length, 100);
    while (ring.length > 0) ring.shift();
    ring.shrink();
    ring.push(1);
    assert.equal(ring.shift(), 1);
    assert.equal(ring.shift(), undefined);
  });
});

describe('a mailbox', () => {
  it('gives system before the observation before user, each in order', () => {
    const mailbox = new Mailbox<string>(8);
    mailbox.put('user', 'u1');
    mailbox.observation = 'o';
    mailbox.put('system', 's1');
    mailbox.put('user', 'u2');
    mailbox.put('system', 's2');
    const taken = Array.from({ length: 6 }, () => `${mailbox.take()} ${mailbox.takenFrom}`);
    assert.deepEqual(taken.slice(0, 5), ['s1 system', 's2 system', 'o observation', 'u1 user', 'u2 user']);
    assert.equal(mailbox.take(), undefined);
  });

  it('bounds each lane by itself', () => {
    const mailbox = new Mailbox<number>(2);
    const put = (lane: 'system' | 'user') => [1, 2, 3].map((n) => mailbox.put(lane, n));
    assert.deepEqual(put('user'), [true, true, false]);
    assert.deepEqual(put('system'), [true, true, false]);
    assert.equal(mailbox.size, 4);
  });
});

it('a pool gives an empty mailbox again and keeps no more than its spare ones', () => {
  const pool = new MailboxPool<number>(8, 1);
  const [first, second] = [pool.acquire(), pool.acquire()];
  pool.release(first);
  pool.release(second);
  assert.equal(pool.acquire(), first);
  assert.notEqual(pool.acquire(), second);
});
