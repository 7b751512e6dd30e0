import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAdminClient } from '../../src/admin/admin-client.ts';
import { AdminSocketError, RuntimeUnreachable } from '../../src/admin/admin-errors.ts';
import { createAdminServer } from '../../src/admin/admin-server.ts';
import { socketPlace } from '../../src/admin/socket-path.ts';
import { ADMIN_LIMITS, eventually, startAdmin, temporaryDirectory } from './admin-fixture.ts';
import { FakeReadSide, status } from './fake-read-side.ts';

function serverOn(t: TestContext, socketPath: string) {
  const server = createAdminServer({
    socketPath,
    readSide: new FakeReadSide(status('a')),
    queryToken: null,
    connections: 8,
    limits: ADMIN_LIMITS,
    onError: () => {},
  });
  t.after(() => server.close(0));
  return server;
}

const withCode = (code: string) => (error: unknown) => error instanceof AdminSocketError && error.code === code;

test('only the owner may connect to the socket', async (t) => {
  const { socketPath } = await startAdmin(t, new FakeReadSide());
  assert.equal(lstatSync(socketPath).mode & 0o777, 0o600);
});

test('the umask of the process is what it was before', async (t) => {
  const before = process.umask();
  await startAdmin(t, new FakeReadSide());
  assert.equal(process.umask(), before);
});

test('a socket that a killed runtime left behind is replaced', async (t) => {
  const socketPath = join(await temporaryDirectory(t), 'admin.sock');
  const script = `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => console.log('listening'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(existsSync(socketPath));

  await serverOn(t, socketPath).start();
  assert.equal((await createAdminClient(socketPath, { answerMs: 60_000, queryMarginMs: 60_000 }).bots()).length, 1);
});

test('a socket on which a runtime answers is refused and left alone', async (t) => {
  const { socketPath, client } = await startAdmin(t, new FakeReadSide());
  await assert.rejects(serverOn(t, socketPath).start(), withCode('admin-socket-in-use'));
  assert.equal((await client.overview()).version, '0.1.0');
});

test('a place where no folder can be made is an error that says so', { skip: !existsSync('/proc/self') }, async (t) => {
  for (const socketPath of ['/proc/x/y/z.sock', '/dev/null/y.sock']) {
    await assert.rejects(serverOn(t, socketPath).start(), (error: unknown) => {
      assert.ok(error instanceof AdminSocketError && error.code === 'admin-socket-unusable', String(error));
      assert.ok(error.message.includes(dirname(socketPath)), error.message);
      assert.match(error.hint, /another --admin/);
      return true;
    });
  }
});

test('the folder of the socket is made, with its parents', async (t) => {
  const directory = await temporaryDirectory(t);
  await serverOn(t, join(directory, 'deep', 'er', 'admin.sock')).start();
  assert.equal(lstatSync(join(directory, 'deep')).mode & 0o777, 0o700);
});

test('a file in the way of the socket is refused and not removed', async (t) => {
  const socketPath = join(await temporaryDirectory(t), 'admin.sock');
  writeFileSync(socketPath, 'precious');
  await assert.rejects(serverOn(t, socketPath).start(), withCode('admin-socket-unusable'));
  assert.ok(existsSync(socketPath));
});

test('one command too many is told so, and not that nothing runs', async (t) => {
  const socketPath = join(await temporaryDirectory(t), 'admin.sock');
  await serverOn(t, socketPath).start();
  const others = Array.from({ length: 8 }, () => connect(socketPath));
  t.after(() => others.forEach((other) => void other.destroy()));
  await Promise.all(others.map((other) => once(other, 'connect')));
  const client = createAdminClient(socketPath, { answerMs: 60_000, queryMarginMs: 60_000 });
  await assert.rejects(client.overview(), (error: unknown) => {
    assert.ok(error instanceof RuntimeUnreachable);
    assert.match(error.message, /so many commands at the same time/);
    assert.match(error.hint, /--admin-connections/);
    return true;
  });
  for (const other of others) other.destroy();
  await eventually('a command to be taken again', async () => (await client.overview().catch(() => null)) !== null);
});

test('closing removes the socket, and clients then read that nothing is running', async (t) => {
  const { socketPath, client, close } = await startAdmin(t, new FakeReadSide());
  await close();
  assert.ok(!existsSync(socketPath));
  await assert.rejects(
    client.overview(),
    (error: unknown) => error instanceof RuntimeUnreachable && /npm start/.test(error.hint),
  );
});

test('a path too long for a socket is stood in for, and server and client agree on it', async (t) => {
  const deep = join(await temporaryDirectory(t), 'x'.repeat(60), 'y'.repeat(60));
  mkdirSync(deep, { recursive: true });
  const wanted = join(deep, 'admin.sock');
  const { path, standIn } = socketPlace(wanted);
  assert.ok(standIn !== null && Buffer.byteLength(path) <= 100);
  t.after(() => rm(standIn, { recursive: true, force: true }));

  const server = serverOn(t, wanted);
  await server.start();
  assert.equal(server.socketPath, path);
  assert.equal((await createAdminClient(wanted, { answerMs: 60_000, queryMarginMs: 60_000 }).bots()).length, 1);
  const link = join(await temporaryDirectory(t), 'link');
  symlinkSync(deep, link);
  assert.equal(
    createAdminClient(join(link, 'admin.sock'), { answerMs: 60_000, queryMarginMs: 60_000 }).socketPath,
    path,
  );
});

test('a stand-in folder that others can write to is refused by server and client', async (t) => {
  const wanted = join(await temporaryDirectory(t), 'z'.repeat(120), 'admin.sock');
  const { standIn } = socketPlace(wanted);
  assert.ok(standIn !== null);
  mkdirSync(standIn);
  await chmod(standIn, 0o777);
  t.after(() => rm(standIn, { recursive: true, force: true }));
  await assert.rejects(serverOn(t, wanted).start(), withCode('admin-socket-unusable'));
  await assert.rejects(
    createAdminClient(wanted, { answerMs: 60_000, queryMarginMs: 60_000 }).bots(),
    withCode('admin-socket-unusable'),
  );
});

test('more connections than the limit are dropped, and there is room again when one ends', async (t) => {
  const socketPath = join(await temporaryDirectory(t), 'admin.sock');
  await serverOn(t, socketPath).start();
  const idle = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect(socketPath);
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      return socket;
    }),
  );
  const client = createAdminClient(socketPath, { answerMs: 60_000, queryMarginMs: 60_000 });
  await assert.rejects(client.bots(), RuntimeUnreachable);
  idle[0]?.destroy();
  await eventually('room', () =>
    client.bots().then(
      () => true,
      () => false,
    ),
  );
});
