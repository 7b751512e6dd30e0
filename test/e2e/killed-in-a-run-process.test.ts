import { test } from 'node:test';
import { killedInARun } from './killed-in-a-run.ts';

test('a run that ends with its killed runtime is recorded as that by the next one, which begins none twice', (t) =>
  killedInARun(t, 'process'));
