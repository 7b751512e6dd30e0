import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineError } from '../../../src/engine/container-engine.ts';
import { BotImage, type ImageCalls } from '../../../src/engine/docker/bot-image.ts';

/** @param answers what Docker says to each look, one after the other; the last for ever */
function fakeDocker(...answers: (boolean | Error)[]) {
  const asked = { looks: 0, pulls: 0 };
  const calls: ImageCalls = {
    imageExists: async () => {
      const answer = answers[Math.min(asked.looks++, answers.length - 1)] ?? false;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    pull: async () => {
      asked.pulls++;
      throw new Error('no route to registry');
    },
  };
  return { asked, calls };
}

const isMissing = (error: unknown) => error instanceof EngineError && error.failure.code === 'image-missing';

describe('the image', () => {
  it('is looked for once while it is there', async () => {
    const { asked, calls } = fakeDocker(true);
    const image = new BotImage(calls, 'the0:x', 'never', 1_000);
    await Promise.all([image.ensure(), image.ensure()]);
    await image.ensure();
    assert.equal(asked.looks, 1);
  });

  it('is not looked for by every one of a thousand bots while it is missing', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { asked, calls } = fakeDocker(false);
    const image = new BotImage(calls, 'the0:x', 'never', 1_000);
    for (let bot = 0; bot < 1_000; bot++) await assert.rejects(image.ensure(), isMissing);
    assert.equal(asked.looks, 1);
    assert.equal(asked.pulls, 0);
  });

  it('is found after it was built', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { calls } = fakeDocker(false, true);
    const image = new BotImage(calls, 'the0:x', 'never', 1_000);
    await assert.rejects(image.ensure(), isMissing);
    t.mock.timers.tick(1_000);
    await image.ensure();
  });

  it('is looked for again at once when Docker could not be asked', async () => {
    const { asked, calls } = fakeDocker(new Error('connect ECONNREFUSED'), true);
    const image = new BotImage(calls, 'the0:x', 'never', 1_000);
    await assert.rejects(image.ensure(), /ECONNREFUSED/);
    await image.ensure();
    assert.equal(asked.looks, 2);
  });

  it('is looked for again when it was found missing after all', async () => {
    const { asked, calls } = fakeDocker(true);
    const image = new BotImage(calls, 'the0:x', 'never', 1_000);
    await image.ensure();
    image.forget();
    await image.ensure();
    assert.equal(asked.looks, 2);
  });

  it('is pulled where that is allowed, and the error says why it could not be', async () => {
    const { asked, calls } = fakeDocker(false);
    const image = new BotImage(calls, 'registry/the0:x', 'missing', 1_000);
    await assert.rejects(image.ensure(), /registry\/the0:x.*no route to registry/);
    assert.equal(asked.pulls, 1);
  });
});
