import { reportFailure } from './exit-code.ts';
import { createProgram } from './program.ts';
import { endWhenReaderLeaves } from './terminal/output.ts';

endWhenReaderLeaves();
// Not `process.exit`: what is still on its way into a pipe would be lost.
process.exitCode = await run(process.argv.slice(2));

async function run(words: readonly string[]): Promise<number> {
  const { program, outcome } = await createProgram(words);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    return reportFailure(error);
  }
}
