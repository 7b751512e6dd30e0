import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownName } from '../../../src/commands/terminal/own-name.ts';

const project = {
  script: '/opt/the0/src/commands/bin.cjs',
  workingDirectory: '/home',
  commands: '/opt/the0/src/commands',
};

test('texts name the command as it can be called from where it was called', () => {
  assert.equal(ownName({ ...project, workingDirectory: '/opt/the0' }), 'npx the0-runtime');
  assert.equal(ownName(project), '/opt/the0/src/commands/bin.cjs');
  assert.equal(ownName({ ...project, script: '/usr/local/bin/the0-runtime' }), 'the0-runtime');
  assert.equal(ownName({ ...project, commands: '/app/services/src/commands' }), '/app/runtime');
});
