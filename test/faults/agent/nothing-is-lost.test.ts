import { after, before, describe, test } from 'node:test';
import { needsMinio } from '../../services/minio.ts';
import { KINDS } from './kinds.ts';
import { type OpenStage, openMinioStage } from './minio-stage.ts';
import { runPoint } from './run-point.ts';

const POINTS_OF_EACH = 3;
const LONGEST_OUTAGE_MS = 700;
const isRoot = process.getuid?.() === 0;

// A short form of sweep.ts: always the same points.
describe('nothing that was stored is lost, and nothing damaged is stored', { ...needsMinio(), concurrency: 3 }, () => {
  let stage: OpenStage;
  before(async () => {
    stage = await openMinioStage(LONGEST_OUTAGE_MS);
  });
  after(() => stage?.close());

  for (const kind of KINDS) {
    const skip = kind.needsRoot === true && !isRoot ? 'needs root, for a small disk of its own' : false;
    test(kind.name, { skip }, async () => {
      for (let seed = 1; seed <= POINTS_OF_EACH; seed += 1) await runPoint(seed, kind, stage);
    });
  }
});
