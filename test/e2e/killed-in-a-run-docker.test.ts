import { test } from 'node:test';
import { needsDocker } from '../services/docker.ts';
import { killedInARun } from './killed-in-a-run.ts';

test(
  'a run goes on while its runtime is killed; the next one adopts it, records its code and begins none twice',
  {
    ...(await needsDocker()),
  },
  (t) => killedInARun(t, 'docker'),
);
