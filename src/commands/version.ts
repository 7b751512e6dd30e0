import type { Command } from 'commander';
import { print, printJson } from './terminal/output.ts';
import type { Outcome } from './verb.ts';
import { NAME, VERSION } from './version-number.ts';

export function addVersion(program: Command, _outcome: Outcome): void {
  program
    .command('version')
    .description('show name and version of this program')
    .option('--json', 'as JSON: {name, version, node}')
    .action(({ json }: { json?: true }) => {
      if (json === true) printJson({ name: NAME, version: VERSION, node: process.versions.node });
      else print(`${NAME} ${VERSION}\n`);
    });
}
