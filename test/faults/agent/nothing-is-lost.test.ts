import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { needsMinio } from '../../services/minio.ts';
import { KINDS } from './kinds.ts';
import { type OpenStage, openMinioStage } from './minio-stage.ts';
import { runPoint } from './run-point.ts';

/** One of each, always the same; sweep.ts has all kinds, all agents and as many points as there is time for. */
const POINTS = [
  'the agent is killed at a step of a request, again and again',
  'the store goes away and comes back',
  'the state cannot be read when the bot should start',
];
const SEED = 1;
const LONGEST_OUTAGE_MS = 300;

describe('nothing stored is lost, nothing damaged is stored', { ...needsMinio(), concurrency: 3 }, () => {
  let stage: OpenStage;
  before(async () => {
    stage = await openMinioStage('execute', LONGEST_OUTAGE_MS);
  });
  after(() => stage?.close());

  for (const name of POINTS) {
    test(name, async () => {
      const kind = KINDS.find((one) => one.name === name);
      assert.ok(kind, 'there is such a kind');
      await runPoint(SEED, kind, stage, 'execute');
    });
  }
});
