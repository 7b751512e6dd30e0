import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Done, Tick } from './counter-behavior.ts';

/** Reads every message, and answers those that want it. */
const port: MessagePort = workerData;
let count = 0;
let total = 0;

port.on('message', (batch: readonly Tick[]) => {
  const answers: Done[] = [];
  for (const message of batch) {
    total += message.amount;
    count += 1;
    if (message.answer === 1) answers.push({ kind: 'done', total, count });
  }
  if (answers.length > 0) port.postMessage(answers);
});
parentPort?.postMessage('ready');
