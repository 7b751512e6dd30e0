export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/**
 * Where a text stops being JSON, or null when it does not.
 *
 * The engine's own message is no help: it often lacks the position, and it quotes the text, which may be a secret. But a
 * text is wrong at its first character that no JSON text could have there, so the longest beginning that is only
 * *unfinished* ends right before it; that length is found by halving.
 */
export function jsonErrorPosition(text: string): Position | null {
  if (parseError(text) === null) return null;
  let fine = 0;
  let wrong = text.length + 1;
  while (wrong - fine > 1) {
    const middle = (fine + wrong) >> 1;
    if (isBeginning(text.slice(0, middle))) fine = middle;
    else wrong = middle;
  }
  const before = text.slice(0, fine).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Whether more text could make it JSON: its error, if any, is at its very end. */
function isBeginning(text: string): boolean {
  const error = parseError(text);
  return error === null || error.includes('end of JSON input') || error.includes(`at position ${text.length} `);
}

function parseError(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
