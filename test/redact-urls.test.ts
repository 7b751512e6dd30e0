import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactUrls } from '../src/redact-urls.ts';

test('passwords in addresses are replaced, whatever they are made of', () => {
  for (const [text, redacted] of [
    ['mongodb://root:s3cret@db:27017/?replicaSet=rs0', 'mongodb://root:***@db:27017/?replicaSet=rs0'],
    ['at mongodb+srv://u:p%40ss@c.example.net, again', 'at mongodb+srv://u:***@c.example.net, again'],
    ['nats://a:one@h1:4222,nats://b:two@h2:4222', 'nats://a:***@h1:4222,nats://b:***@h2:4222'],
    ['not encoded: http://u:p@ss/w:rd@host/x', 'not encoded: http://u:***@host/x'],
    ['a token: nats://s3cr3t@host', 'a token: nats://***@host'],
    ['no user: redis://:pw@host', 'no user: redis://:***@host'],
    ['mongodb://h/?tlsCertificateKeyFilePassword=abc&w=1', 'mongodb://h/?tlsCertificateKeyFilePassword=***&w=1'],
    [
      'mongodb://h/?authMechanismProperties=X:1,AWS_SESSION_TOKEN:abc',
      'mongodb://h/?authMechanismProperties=X:1,AWS_SESSION_TOKEN:***',
    ],
  ] as const) {
    assert.equal(redactUrls(text), redacted);
  }
});

test('what holds no password stays as it is', () => {
  for (const text of [
    'mongodb://localhost:27017',
    'nats://h1:4222,nats://h2:4222 are away',
    'mail to a@b.example, see http://host/path',
    '{"msg":"http://127.0.0.1:9477","to":"a@b"}',
  ]) {
    assert.equal(redactUrls(text), text);
  }
});
