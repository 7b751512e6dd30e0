import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { NoFreePort, QueryPorts } from '../../../src/engine/process/query-ports.ts';

const HOST = '127.0.0.1';

test('ports are handed out one after the other, so one that was given back is not used again soon', async () => {
  const ports = new QueryPorts({ first: 15_000, last: 15_009 }, HOST);
  const first = await ports.take();
  ports.giveBack(first);
  const second = await ports.take();
  assert.notEqual(second, first);
});

test('another beginning is another order, round the whole range', async () => {
  const ports = new QueryPorts({ first: 15_050, last: 15_052 }, HOST, 15_052);
  assert.deepEqual([await ports.take(), await ports.take(), await ports.take()], [15_052, 15_050, 15_051]);
});

test('two bots that start at the same time get different ports', async () => {
  const ports = new QueryPorts({ first: 15_010, last: 15_029 }, HOST);
  const taken = await Promise.all(Array.from({ length: 10 }, () => ports.take()));
  assert.equal(new Set(taken).size, 10);
});

test('a port another program listens on is left out', async (t) => {
  const other = createServer().listen(15_030, HOST);
  t.after(() => other.close());
  await once(other, 'listening');
  assert.equal(await new QueryPorts({ first: 15_030, last: 15_031 }, HOST).take(), 15_031);
});

test('a used up range says so, and is usable again when a port was given back', async () => {
  const ports = new QueryPorts({ first: 15_040, last: 15_040 }, HOST);
  const only = await ports.take();
  await assert.rejects(ports.take(), NoFreePort);
  ports.giveBack(only);
  assert.equal(await ports.take(), only);
});
