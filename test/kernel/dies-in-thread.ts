import { isMainThread } from 'node:worker_threads';

/** A behavior module that its owner can load, and the shard's thread cannot. */
if (!isMainThread) throw new Error('this module cannot live in a thread');

export { createBehavior } from './toy-behavior.ts';
