import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { signedHeaders } from '../../../src/storage/s3/signature.ts';
import { queryString, resourcePath } from '../../../src/storage/s3-api/resource-path.ts';

/** The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. */
describe('the signature', () => {
  const access = {
    endpoint: 'examplebucket.s3.amazonaws.com',
    ssl: false,
    accessKey: 'AKIAIOSFODNN7EXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  };
  const now = Date.UTC(2013, 4, 24);
  const host = 'examplebucket.s3.amazonaws.com';
  const signatureOf = (headers: Readonly<Record<string, string>>) => headers['authorization']?.split('Signature=')[1];
  const payloadHash = (text: string) => createHash('sha256').update(text).digest('hex');

  it('of a ranged read is the one in the documentation', () => {
    const headers = signedHeaders(
      {
        method: 'GET',
        path: '/test.txt',
        query: '',
        headers: { host, range: 'bytes=0-9' },
        payloadHash: payloadHash(''),
        now,
      },
      access,
    );
    assert.equal(signatureOf(headers), 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  });

  it('of a write is the one in the documentation', () => {
    const headers = signedHeaders(
      {
        method: 'PUT',
        path: '/test%24file.text',
        query: '',
        headers: { host, date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
        payloadHash: payloadHash('Welcome to Amazon S3.'),
        now,
      },
      access,
    );
    assert.equal(signatureOf(headers), '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });

  it('of a listing is the one in the documentation', () => {
    const query = queryString({ prefix: 'J', 'max-keys': '2' });
    const headers = signedHeaders(
      { method: 'GET', path: '/', query, headers: { host }, payloadHash: payloadHash(''), now },
      access,
    );
    assert.equal(signatureOf(headers), '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
  });

  it('is made of paths encoded byte by byte, slashes left alone', () => {
    assert.equal(resourcePath({ bucket: 'b', key: "a b+c/ü~!'()*%" }), '/b/a%20b%2Bc/%C3%BC~%21%27%28%29%2A%25');
    assert.equal(resourcePath({ bucket: 'b', key: '' }), '/b');
    assert.equal(queryString({ uploads: '', a: '/ +' }), 'a=%2F%20%2B&uploads=');
  });
});
