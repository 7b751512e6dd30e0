import type { HelpConfiguration } from 'commander';
import { wrapText } from './text-width.ts';

const WIDEST = 100;
/** Less beside the terms is no room for sentences. */
const NARROWEST_DESCRIPTION = 40;
const STACKED_INDENT = ' '.repeat(6);

/**
 * Terms and what they mean in two columns. Where long terms leave no room for the second, each meaning stands below its term
 * (commander would let its lines run over the edge).
 */
export const HELP_LAYOUT: HelpConfiguration = {
  helpWidth: Math.min(process.stdout.columns ?? 80, WIDEST),
  formatItem(term, termWidth, description, { helpWidth = 80 }) {
    if (description === '') return `  ${term}`;
    const room = helpWidth - termWidth - 4;
    if (room < NARROWEST_DESCRIPTION) {
      const lines = wrapText(description, helpWidth - STACKED_INDENT.length);
      return [`  ${term}`, ...lines.map((line) => STACKED_INDENT + line)].join('\n');
    }
    const [first = '', ...more] = wrapText(description, room);
    return [`  ${term.padEnd(termWidth)}  ${first}`, ...more.map((line) => ' '.repeat(termWidth + 4) + line)].join(
      '\n',
    );
  },
};
