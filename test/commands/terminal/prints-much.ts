/** Prints more than a terminal or a pipe takes, tells so by a file, and ends: prints-much.ts <lines> <file> <flush ms> */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ForegroundOutput } from '../../../src/commands/terminal/foreground-output.ts';

const [lines = '', file = '', flushMs = ''] = process.argv.slice(2);
const output = new ForegroundOutput(process.stdout, 64 * 1024, (count) => `left out: ${count}\n`);
for (let line = 0; line < Number(lines); line += 1) {
  output.print(`${'x'.repeat(99)}\n`);
  // Even a reader that stands still takes what fits into its buffers; by the end these are full.
  if (line % 200 === 0) await delay(5);
}
writeFileSync(file, '');
if (!(await output.flushed(Number(flushMs)))) process.exit(3);
output.print('the last\n');
