import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { containerName } from '../../../src/engine/docker/container-name.ts';

const DOCKER_TAKES = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

describe('the name of a container', () => {
  it('is the bot id itself where Docker can hold it', () => {
    assert.equal(containerName('grid-trader_1.2'), 'the0-bot-grid-trader_1.2');
  });

  it('is one Docker takes, whatever the id', () => {
    for (const id of ['a b', '../../etc', 'ünïcode', '', ' ', '-', 'x'.repeat(500), 'a/b']) {
      assert.match(containerName(id), DOCKER_TAKES, id);
      assert.ok(containerName(id).length <= 120);
    }
  });

  it('tells ids apart that look alike', () => {
    const names = ['a/b', 'a b', 'a-b', 'a//b', 'A-b'].map(containerName);
    assert.equal(new Set(names).size, names.length);
  });

  it('is always the same for one id', () => {
    assert.equal(containerName('a/b'), containerName('a/b'));
  });
});
