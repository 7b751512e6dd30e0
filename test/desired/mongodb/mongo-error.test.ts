import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { isRefusedForEver } from '../../../src/desired/mongodb/mongo-error.ts';

test('a document that fails the validator of its collection is refused for ever, a server that is away is not', () => {
  assert.equal(isRefusedForEver(new MongoServerError({ code: 121, codeName: 'DocumentValidationFailure' })), true);
  assert.equal(isRefusedForEver(new MongoServerError({ code: 10_107, codeName: 'NotWritablePrimary' })), false);
  assert.equal(isRefusedForEver(new MongoNetworkError('away')), false);
});
