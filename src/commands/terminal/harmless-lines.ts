import { StringDecoder } from 'node:string_decoder';
import { plainText } from './plain-text.ts';

/** A line that goes on for longer is shown in pieces, so that a bot cannot fill this process's memory. */
const LONGEST_LINE = 64 * 1024;

/** What a bot wrote, for a terminal: whole lines, so that no control sequence can hide on the border between two chunks. */
export async function* harmlessLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.write(chunk);
    const end = rest.length > LONGEST_LINE ? rest.length : rest.lastIndexOf('\n') + 1;
    if (end === 0) continue;
    yield plainText(rest.slice(0, end));
    rest = rest.slice(end);
  }
  yield plainText(rest + decoder.end());
}
