import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../../src/engine/container-engine.ts';
import { engineErrorFor } from '../../../src/engine/process/start-failure.ts';

test('what the operating system refuses is told with its cause and cure', () => {
  const cases: Readonly<Record<string, RegExp>> = {
    EMFILE: /too many open files.*ulimit -n/,
    EAGAIN: /no more processes.*ulimit -u/,
    ENOMEM: /out of memory/,
    ENOSPC: /disk of the data directory is full/,
  };
  for (const [code, sentence] of Object.entries(cases)) {
    const cause = Object.assign(new Error(`spawn node ${code}`), { code });
    const error = engineErrorFor(cause, 'bot a could not be started');
    assert.equal(error.failure.code, 'rejected');
    assert.equal(error.failure.facts['errno'], code);
    assert.match(error.message, sentence);
    assert.equal(error.cause, cause);
  }
});

test('an engine error stays as it is, and anything else keeps its own words', () => {
  const known = new EngineError({ code: 'code-unavailable', facts: {} }, 'x');
  assert.equal(engineErrorFor(known, 'y'), known);
  assert.equal(engineErrorFor(new Error('odd'), 'it failed').message, 'it failed: odd');
});
