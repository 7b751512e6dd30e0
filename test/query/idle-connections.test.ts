import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerReaders } from '../../src/query/answer-reader.ts';
import { HeldBytes } from '../../src/query/held-bytes.ts';
import { IdleConnections, SWEEPS_OF_IDLE } from '../../src/query/idle-connections.ts';
import { type ConnectionOwner, UpstreamConnection } from '../../src/query/upstream-connection.ts';
import { OK, rawBot, route } from './fixture.ts';

test('what is idle is closed at its fourth sweep and at no earlier one, whatever was used meanwhile', async (t) => {
  const bot = await rawBot(t, OK);
  const idle = new IdleConnections(3);
  const lost: string[] = [];
  const readers = new AnswerReaders(1024, new HeldBytes(1024));
  const connection = (name: string): UpstreamConnection => {
    const owner: ConnectionOwner = {
      answered: () => assert.fail('nobody asked'),
      failed: () => assert.fail('nobody asked'),
      lost: (gone) => {
        idle.remove(gone);
        lost.push(name);
      },
    };
    return new UpstreamConnection(route(bot.port).endpoint, owner, readers);
  };

  const used = connection('used');
  idle.add(used);
  idle.add(connection('unused'));
  for (let sweep = 1; sweep < SWEEPS_OF_IDLE; sweep += 1) idle.sweep();
  idle.remove(used);
  idle.add(used);
  assert.deepEqual(lost, []);
  idle.sweep();
  assert.deepEqual(lost, ['unused']);
  for (let sweep = 1; sweep < SWEEPS_OF_IDLE; sweep += 1) idle.sweep();
  assert.deepEqual([lost, idle.size], [['unused', 'used'], 0]);

  for (const name of ['first', 'second', 'third', 'one too many']) idle.add(connection(name));
  assert.deepEqual(lost.slice(2), ['first'], 'beyond the limit the longest idle one goes');
  idle.closeAll();
  assert.deepEqual(lost.slice(3), ['second', 'third', 'one too many']);
});
