import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { inspect } from 'node:util';
import { dockerAgent } from '../../../src/engine/docker/docker-agent.ts';

it('describes the sockets to Docker in a few words, however many there are', async (t) => {
  const server = http.createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
  const agent = dockerAgent(2, true);
  t.after(() => {
    agent.destroy();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  assert.ok(isAddress(address));
  const call = http.get({ host: '127.0.0.1', port: address.port, agent });
  const [response] = await once(call, 'response');
  response.resume();
  await once(response, 'end');
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
  assert.equal(inspect({ agent }, { showHidden: true, depth: null }), '{ agent: agent of at most 2 sockets }');
});

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
