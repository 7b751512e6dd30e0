import assert from 'node:assert/strict';
import { test } from 'node:test';
import { natsUrlOfBots } from '../../src/commands/engines.ts';
import { loadSettings } from '../../src/config/load-settings.ts';

test('bots get the account for live logs, else that of the runtime, unless that is not wanted', () => {
  const urlWith = (env: Record<string, string>) =>
    natsUrlOfBots(loadSettings({ NATS_URL: 'nats://all@n', ...env }).settings);
  assert.equal(urlWith({}), 'nats://all@n');
  assert.equal(urlWith({ NATS_LOGS_URL: 'nats://logs@n' }), 'nats://logs@n');
  assert.equal(urlWith({ THE0_PASS_NATS_URL: 'false' }), null);
  assert.equal(urlWith({ THE0_PASS_NATS_URL: 'false', NATS_LOGS_URL: 'nats://logs@n' }), 'nats://logs@n');
});
