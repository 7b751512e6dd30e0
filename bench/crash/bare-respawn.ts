import { type ChildProcess, spawn } from 'node:child_process';
import { get } from 'node:http';
import process from 'node:process';

const SERVER = `require('node:http').createServer((_, r) => r.end('{"status":"ok"}')).listen(+process.argv[1], '127.0.0.1')`;
const POLL_MS = 2;

/** A bare Node server under the smallest loop that starts it again when it exits. @returns milliseconds per crash */
export async function bareRespawns(count: number): Promise<number[]> {
  const port = 19_000 + Math.floor(Math.random() * 900);
  let ended = false;
  const start = (): ChildProcess => {
    const server = spawn(process.execPath, ['-e', SERVER, String(port)], { stdio: 'ignore' });
    server.once('exit', () => {
      if (!ended) child = start();
    });
    return server;
  };
  let child = start();
  await answers(port);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    const killed = child;
    const gone = new Promise((resolve) => killed.once('exit', resolve));
    killed.kill('SIGKILL');
    await gone;
    await answers(port);
    times.push(performance.now() - begun);
  }
  ended = true;
  child.kill('SIGKILL');
  return times;
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const ok = await new Promise<boolean>((resolve) => {
      get({ host: '127.0.0.1', port, agent: false }, (response) => {
        response.resume().on('end', () => resolve(true));
      }).on('error', () => resolve(false));
    });
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
