import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DockerTimeout, toEngineError } from '../../../src/engine/docker/docker-errors.ts';
import { exitStatus } from '../../../src/engine/docker/exit-status.ts';
import { framesOf } from '../../../src/engine/docker/log-frames.ts';

describe('exitStatus', () => {
  it('tells codes from signals', () => {
    assert.deepEqual(exitStatus(0), { code: 0, signal: null });
    assert.deepEqual(exitStatus(7), { code: 7, signal: null });
    assert.deepEqual(exitStatus(137), { code: null, signal: 'SIGKILL' });
    assert.deepEqual(exitStatus(143), { code: null, signal: 'SIGTERM' });
    assert.deepEqual(exitStatus(134), { code: null, signal: 'SIGABRT' });
  });

  it('takes a code that is no signal for a code', () => {
    assert.deepEqual(exitStatus(200), { code: 200, signal: null });
    assert.deepEqual(exitStatus(255), { code: 255, signal: null });
    assert.deepEqual(exitStatus(128), { code: 128, signal: null });
  });
});

describe('framesOf', () => {
  const frame = (text: string) => {
    const header = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };

  it('joins the frames of a log', () => {
    assert.equal(framesOf(Buffer.concat([frame('one\n'), frame('zwö\n')])), 'one\nzwö\n');
  });

  it('gives what there is of a log that breaks off', () => {
    assert.equal(framesOf(Buffer.concat([frame('one\n'), frame('two\n').subarray(0, 9)])), 'one\nt');
    assert.equal(framesOf(Buffer.alloc(0)), '');
  });
});

describe('toEngineError', () => {
  const failureOf = (error: unknown) => toEngineError(error, 'Starting bot grid').failure;

  it('calls an engine that is not there unreachable, and says what to do', () => {
    const error = toEngineError(Object.assign(new Error('connect ENOENT'), { code: 'ENOENT' }), 'Starting bot grid');
    assert.equal(error.failure.code, 'unreachable');
    assert.match(error.message, /^Starting bot grid: Docker cannot be reached .*Start it/);
  });

  it('calls an engine that may not be used unreachable, and names the group', () => {
    const error = toEngineError(Object.assign(new Error('connect EACCES'), { code: 'EACCES' }), 'Watching');
    assert.equal(error.failure.code, 'unreachable');
    assert.match(error.message, /group "docker"/);
  });

  it('calls an engine that does not answer in time unreachable', () => {
    assert.equal(failureOf(new DockerTimeout('start', 10)).code, 'unreachable');
  });

  it('calls anything the engine says a rejection, with its words', () => {
    const json = { message: 'no space left\n on device' };
    const said = Object.assign(new Error('(HTTP code 500) server error - …'), { statusCode: 500, json });
    assert.deepEqual(failureOf(said), {
      code: 'rejected',
      facts: { detail: 'no space left on device' },
    });
  });

  it('leaves an error that is one of ours as it is', () => {
    const ours = toEngineError(new DockerTimeout('start', 10), 'Starting');
    assert.equal(toEngineError(ours, 'again'), ours);
  });
});
