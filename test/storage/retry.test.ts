import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError, type StoreTrouble } from '../../src/storage/object-store.ts';
import { retryRead } from '../../src/storage/retry.ts';

describe('reading again', () => {
  function policy(attempts: number) {
    const pauses: number[] = [];
    const pause = async (ms: number) => void pauses.push(ms);
    return { pauses, attempts, firstPauseMs: 100, longestPauseMs: 300, random: () => 0.5, pause };
  }

  /** Fails so often, then answers. */
  function failing(times: number, trouble: StoreTrouble) {
    let calls = 0;
    return async () => {
      calls += 1;
      if (calls <= times) throw new StoreError(trouble, `failure ${calls}`);
      return calls;
    };
  }

  it('goes on until it works, with pauses that double up to a bound and are partly random', async () => {
    const five = policy(5);
    assert.equal(await retryRead(failing(4, 'busy'), five), 5);
    assert.deepEqual(five.pauses, [50, 100, 150, 150]);
  });

  it('ends with the last error', async () => {
    await assert.rejects(retryRead(failing(9, 'unreachable'), policy(3)), /failure 3/);
  });

  for (const trouble of ['changed', 'missing', 'denied', 'full', 'refused'] as const) {
    it(`does not repeat what is ${trouble}`, async () => {
      const three = policy(3);
      await assert.rejects(retryRead(failing(1, trouble), three), /failure 1/);
      assert.deepEqual(three.pauses, []);
    });
  }

  it('does not hide a mistake of the program', async () => {
    const wrong = async () => {
      throw new TypeError('a mistake');
    };
    await assert.rejects(retryRead(wrong, policy(3)), TypeError);
  });

  it('ends in the middle of a pause when the signal says so', async () => {
    const ending = new AbortController();
    const hour = { attempts: 2, firstPauseMs: 3_600_000, longestPauseMs: 3_600_000, random: () => 0.9 };
    setTimeout(() => ending.abort(), 20);
    await assert.rejects(retryRead(failing(1, 'busy'), hour, ending.signal), /failure 1/);
  });
});
