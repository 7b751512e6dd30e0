import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ContainerOwner, labelsFor, ownLabels, readLabels } from '../../../src/engine/docker/container-labels.ts';
import { aBot } from '../../desired/a-bot.ts';

const definition = aBot('grid', { specRevision: 'spec' });
const OURS = {
  instance: 'here',
  incarnation: 17,
  shapeRevision: 'shape',
  queryPort: 9476,
  keepsFilesInside: false,
  keys: null,
};
const labels = labelsFor(definition, OURS);

const HERE: ContainerOwner = { instance: 'here', kinds: ['realtime', 'scheduled'] };

describe('labels of a container', () => {
  it('have what others look for (contract 5.2)', () => {
    assert.equal(labels['runtime.managed'], 'true');
    assert.equal(labels['runtime.id'], 'grid');
    assert.equal(labels['runtime.entrypoint'], 'main.js');
    assert.equal(labels['runtime.type'], 'realtime');
  });

  it('are read back as they were written', () => {
    assert.deepEqual(readLabels(labels, HERE), {
      botId: 'grid',
      incarnation: 17,
      specRevision: 'spec',
      shapeRevision: 'shape',
      queryPort: 9476,
      keepsFilesInside: false,
      keys: null,
    });
  });

  it('tell whose keys it holds, and until when', () => {
    for (const keys of [
      { shared: true, until: null },
      { shared: false, until: null },
      { shared: false, until: 1_700_000_000_000 },
    ]) {
      const identity = readLabels(labelsFor(definition, { ...OURS, keys }), HERE);
      assert.deepEqual(typeof identity === 'string' ? identity : identity.keys, keys);
    }
  });

  it('tell where the files are, of older containers too', () => {
    const inside = labelsFor(definition, { ...OURS, keepsFilesInside: true });
    const read = (these: typeof labels) => {
      const identity = readLabels(these, HERE);
      return typeof identity === 'string' ? identity : identity.keepsFilesInside;
    };
    assert.deepEqual([read(inside), read(labels)], [true, false]);
  });

  it('of another instance are foreign', () =>
    assert.equal(readLabels(labels, { ...HERE, instance: 'there' }), 'foreign'));

  it('of a kind that another role keeps are foreign', () => {
    assert.equal(readLabels(labels, { ...HERE, kinds: ['scheduled'] }), 'foreign');
    assert.deepEqual(ownLabels({ ...HERE, kinds: ['scheduled'] }), [
      'the0.instance=here',
      'the0.role=bot',
      'runtime.type=scheduled',
    ]);
  });

  it('of the Go runtime are foreign', () => {
    assert.equal(readLabels({ 'runtime.managed': 'true', 'runtime.id': 'grid' }, HERE), 'foreign');
  });

  it('without a number where one belongs are foreign', () => {
    assert.equal(readLabels({ ...labels, 'the0.incarnation': 'soon' }, HERE), 'foreign');
  });

  it('of a newer format are not touched', () => {
    assert.equal(readLabels({ ...labels, 'the0.format': '2' }, HERE), 'newer-format');
  });
});
