import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BotNetwork, type NetworkCalls } from '../../../src/engine/docker/bot-network.ts';

/** Networks as Docker keeps them: two of one name are possible, and the older is listed first. */
function fakeDocker() {
  const networks: { id: string; name: string }[] = [];
  const calls: NetworkCalls = {
    networkId: async (name) => networks.find((network) => network.name === name)?.id ?? null,
    createNetwork: async ({ Name }) => {
      const id = `id-${networks.length + 1}`;
      networks.push({ id, name: Name });
      return id;
    },
    removeNetwork: async (id) => {
      networks.splice(
        networks.findIndex((network) => network.id === id),
        1,
      );
    },
  };
  return { networks, calls };
}

const answer = (statusCode: number, message: string) =>
  Object.assign(new Error(message), { statusCode, json: { message } });
const FULL = answer(500, 'adding interface veth1 to bridge br-1 failed: exchange full');

describe('the network of the bots', () => {
  it('is the configured one, untouched', async () => {
    const { networks, calls } = fakeDocker();
    const network = new BotNetwork(calls, 'mine');
    assert.equal(await network.mode(), 'mine');
    assert.equal(await network.failed('mine', FULL), false);
    assert.deepEqual(networks, []);
  });

  it('is made once however many ask', async () => {
    const { networks, calls } = fakeDocker();
    const network = new BotNetwork(calls, null);
    const modes = await Promise.all([network.mode(), network.mode(), network.mode()]);
    assert.deepEqual(modes, ['id-1', 'id-1', 'id-1']);
    assert.equal(networks.length, 1);
  });

  it('is the same for two runtimes that make it at the same moment', async () => {
    const { networks, calls } = fakeDocker();
    const both = [new BotNetwork(calls, null), new BotNetwork(calls, null)];
    const [one, other] = await Promise.all(both.map((network) => network.mode()));
    assert.equal(one, other);
    assert.equal(networks.length, 1);
  });

  it('is found when Docker says that there is one by now', async () => {
    const { networks, calls } = fakeDocker();
    const createNetwork: NetworkCalls['createNetwork'] = async () => {
      networks.push({ id: 'theirs', name: 'the0-bots' });
      throw answer(409, 'network with name the0-bots already exists');
    };
    assert.equal(await new BotNetwork({ ...calls, createNetwork }, null).mode(), 'theirs');
  });

  it('is followed by a second one when it is full, for all who found it full', async () => {
    const { networks, calls } = fakeDocker();
    const network = new BotNetwork(calls, null);
    const mode = await network.mode();
    assert.equal(await network.failed(mode, FULL), true);
    assert.equal(await network.failed(mode, FULL), true);
    assert.equal(await network.mode(), 'id-2');
    assert.deepEqual(
      networks.map(({ name }) => name),
      ['the0-bots', 'the0-bots-2'],
    );
  });

  it('is made again when somebody removed it', async () => {
    const { networks, calls } = fakeDocker();
    const network = new BotNetwork(calls, null);
    const mode = await network.mode();
    networks.length = 0;
    assert.equal(await network.failed(mode, answer(404, `network ${mode} not found`)), true);
    await network.mode();
    assert.deepEqual(networks, [{ id: 'id-1', name: 'the0-bots' }]);
  });

  it('is not to blame for other failures', async () => {
    const network = new BotNetwork(fakeDocker().calls, null);
    assert.equal(await network.failed(await network.mode(), answer(500, 'no space left on device')), false);
  });
});
