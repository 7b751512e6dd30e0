import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveLogTroubles, natsUrlOfBots } from '../../src/commands/engines.ts';
import { loadSettings } from '../../src/config/load-settings.ts';

test('bots get the account for live logs, else that of the runtime, unless that is not wanted', () => {
  const urlWith = (env: Record<string, string>) =>
    natsUrlOfBots(loadSettings({ NATS_URL: 'nats://all@n', ...env }).settings);
  assert.equal(urlWith({}), 'nats://all@n');
  assert.equal(urlWith({ NATS_LOGS_URL: 'nats://logs@n' }), 'nats://logs@n');
  assert.equal(urlWith({ THE0_PASS_NATS_URL: 'false' }), null);
  assert.equal(urlWith({ THE0_PASS_NATS_URL: 'false', NATS_LOGS_URL: 'nats://logs@n' }), 'nats://logs@n');
});

test('without TLS in their agents bots get no address that asks for it, and people are told, unless they chose so', () => {
  const withEnv = (env: Record<string, string>) => {
    const { settings } = loadSettings({ NATS_URL: 'n, tls://me:secret@n', ...env });
    return { url: natsUrlOfBots(settings), troubles: liveLogTroubles(settings) };
  };
  const { url, troubles } = withEnv({});
  assert.equal(url, null);
  assert.match(troubles.join(), /^There are no live logs of bots: NATS_URL asks for TLS.*NATS_LOGS_URL/);
  assert.doesNotMatch(troubles.join(), /secret/);
  assert.deepEqual(withEnv({ NATS_LOGS_URL: 'nats://logs@n' }), { url: 'nats://logs@n', troubles: [] });
  assert.deepEqual(withEnv({ THE0_PASS_NATS_URL: 'false' }), { url: null, troubles: [] });
});
