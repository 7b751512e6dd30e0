import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

/** Sends every message back. */
const port: MessagePort = workerData;
port.on('message', (message: unknown) => port.postMessage(message));
parentPort?.postMessage('ready');
