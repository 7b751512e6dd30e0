import type { Style } from './style.ts';
import { cutText, textWidth, wrapText } from './text-width.ts';

export interface Cell {
  readonly text: string;
  /** Colours the text once its width is known. */
  readonly paint?: (text: string) => string;
}

const GAP = '  ';
/** The last column gets what the others leave, but never less than this. */
const NARROWEST_LAST_COLUMN = 20;

/**
 * Columns under headings. Only the last column gives way on a narrow terminal: it is cut, or wrapped under itself.
 * In a pipe nothing is cut. Cells must be plain lines (see `plain-text.ts`).
 */
export function renderTable(
  style: Style,
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  lastColumn: 'cut' | 'wrap' = 'cut',
): string {
  const widths = headings.map((heading, column) =>
    Math.max(textWidth(heading), ...rows.map((row) => textWidth(row[column]?.text ?? ''))),
  );
  const last = headings.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = Math.max(NARROWEST_LAST_COLUMN, style.width - before);

  const lines = [
    headings.map((heading, column) => (column === last ? heading : pad(heading, widths[column] ?? 0))).join(GAP),
  ];
  lines[0] = style.paint('bold', lines[0] ?? '');
  for (const row of rows) {
    const cells = headings.map((_, column) => row[column] ?? { text: '' });
    const start = cells.slice(0, last).map((cell, column) => painted(cell, cell.text, widths[column] ?? 0));
    const end = cells[last] ?? { text: '' };
    const [first = '', ...more] = lastColumn === 'cut' ? [cutText(end.text, room)] : wrapText(end.text, room);
    lines.push([...start, painted(end, first, 0)].join(GAP).trimEnd());
    for (const line of more) lines.push(' '.repeat(before) + painted(end, line, 0));
  }
  return `${lines.join('\n')}\n`;
}

function painted(cell: Cell, text: string, width: number): string {
  const visible = cell.paint === undefined || text === '' ? text : cell.paint(text);
  return visible + ' '.repeat(Math.max(0, width - textWidth(text)));
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}
