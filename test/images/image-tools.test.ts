import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { docker, removeContainersOf } from '../services/docker.ts';
import { needsRuntimeImage } from '../services/runtime-image.ts';

const IMAGE = 'the0-runtime:slim';

describe('the runtime image, by what others call in it', await needsRuntimeImage(), () => {
  // Contract 0: health checks of compose files and charts are curl, and pods name the wrappers.
  test('has curl, the interpreters of Python and Node bots, their wrappers and its directories', async (t) => {
    const instance = randomUUID();
    t.after(() => removeContainersOf(instance));
    const checks = [
      'curl --version',
      'python3 --version',
      'node --version',
      ...['python_bot.py', 'node_bot.js'].map((name) => `test -x /app/wrappers/${name}`),
      ...['/bot', '/state', '/query', '/var/the0', '/var/the0/logs'].map((path) => `test -w ${path}`),
    ];
    const container = await docker.createContainer({
      Image: IMAGE,
      Cmd: [
        'sh',
        '-c',
        `failed=0; ${checks.map((check) => `${check} || { echo "no: ${check}"; failed=1; };`).join(' ')} exit $failed`,
      ],
      Labels: { 'the0.instance': instance },
    });
    await container.start();
    const { StatusCode } = await container.wait();
    const output = (await container.logs({ stdout: true, stderr: true, follow: false })).toString('utf8');
    assert.equal(StatusCode, 0, output);
    assert.match(output, /Python 3\.11\./);
    assert.match(output, /v20\./);
  });
});
