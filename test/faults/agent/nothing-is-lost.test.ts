import { after, before, describe, test } from 'node:test';
import { needsMinio } from '../../services/minio.ts';
import { KINDS } from './kinds.ts';
import { type OpenStage, openMinioStage } from './minio-stage.ts';
import { runPoint } from './run-point.ts';

/** How many of each kind. */
const POINTS = 1;
const WHAT = {
  execute: 'the agent beside its bot',
  daemon: 'the agent in containers of its own',
} as const;
const LONGEST_OUTAGE_MS = 700;
const isRoot = process.getuid?.() === 0;

// A short form of sweep.ts: always the same points.
for (const agent of ['execute', 'daemon'] as const) {
  describe(`nothing stored is lost, nothing damaged is stored: ${WHAT[agent]}`, {
    ...needsMinio(),
    concurrency: 3,
  }, () => {
    let stage: OpenStage;
    before(async () => {
      stage = await openMinioStage(agent, LONGEST_OUTAGE_MS);
    });
    after(() => stage?.close());

    for (const kind of KINDS) {
      const skip = kind.needsRoot === true && !isRoot ? 'needs root, for a small disk of its own' : false;
      test(kind.name, { skip }, async () => {
        for (let seed = 1; seed <= POINTS; seed += 1) await runPoint(seed, kind, stage, agent);
      });
    }
  });
}
