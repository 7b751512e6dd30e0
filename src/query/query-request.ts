import { LOWER_N, OPEN_OBJECT, QUOTE } from './json-bytes.ts';
import { isNamed, textOf } from './json-member.ts';
import { JsonScanner } from './json-scanner.ts';

/** A question as it came over HTTP (contract 8.1), checked. */
export interface QueryRequest {
  readonly botId: string;
  /** Begins with `/`; not decoded. */
  readonly path: string;
  /** JSON text of a non-empty object as bytes in latin1, or '' */
  readonly paramsJson: string;
  /** The parameters as the URL takes them, name and value in turn: strings as they are, anything else as JSON text. */
  readonly pairs: readonly string[];
  /** 0: the request names none. */
  readonly timeoutSec: number;
}

/**
 * Reads a request body the way Go's `json.Decoder` fills a struct: names in any case, the last of equal names wins, unknown
 * names and whatever follows the first value do not count, `null` is as good as absent.
 *
 * @returns the request, or the words of the 400 (contract 8.1, in its order of validation)
 */
export function readQueryRequest(bytes: Buffer, length: number): QueryRequest | string {
  body.reset();
  body.scan(bytes, 0, length);
  body.finish(length);
  if (length === 0) return 'invalid request body: EOF';
  if (body.problem !== null) return `invalid request body: ${body.problem}`;
  if (body.root !== OPEN_OBJECT && body.root !== LOWER_N) return 'invalid request body: not a JSON object';

  let botId = '';
  let path = '';
  let paramsFrom = 0;
  let paramsTo = 0;
  let timeoutSec = 0;
  let problem = '';
  // The bytes as text, once: cutting a string is far cheaper than decoding each part.
  const text = bytes.toString('latin1', 0, length);
  const { members, memberSlots, plain } = body;
  for (let i = 0; i < memberSlots; i += 4) {
    const from = members[i + 2] ?? 0;
    const to = members[i + 3] ?? 0;
    const first = bytes[from];
    if (first === LOWER_N) continue;
    const nameFrom = members[i] ?? 0;
    const nameTo = members[i + 1] ?? 0;
    if (isNamed(bytes, nameFrom, nameTo, 'bot_id')) {
      if (first === QUOTE) botId = plain ? text.slice(from + 1, to - 1) : textOf(bytes, from, to);
      else problem ||= 'bot_id must be a string';
    } else if (isNamed(bytes, nameFrom, nameTo, 'query_path')) {
      if (first === QUOTE) path = plain ? text.slice(from + 1, to - 1) : textOf(bytes, from, to);
      else problem ||= 'query_path must be a string';
    } else if (isNamed(bytes, nameFrom, nameTo, 'params')) {
      paramsFrom = from;
      paramsTo = to;
      if (first !== OPEN_OBJECT) problem ||= 'params must be an object';
    } else if (isNamed(bytes, nameFrom, nameTo, 'timeout_sec')) {
      const digits = text.slice(from, to);
      if (INTEGER.test(digits)) timeoutSec = Number(digits);
      else problem ||= 'timeout_sec must be an integer';
    }
  }
  if (problem !== '') return `invalid request body: ${problem}`;
  if (botId === '') return 'bot_id is required';
  if (path === '') return 'query_path is required';
  const pairs = paramsFrom === paramsTo ? NO_PAIRS : pairsOf(bytes, plain ? text : null, paramsFrom, paramsTo);
  return {
    botId,
    path: path.startsWith('/') ? path : `/${path}`,
    paramsJson: pairs.length === 0 ? '' : text.slice(paramsFrom, paramsTo),
    pairs,
    timeoutSec,
  };
}

/** @param text the bytes as text, when all strings are plain */
function pairsOf(bytes: Buffer, text: string | null, from: number, to: number): readonly string[] {
  params.reset();
  params.scan(bytes, from, to);
  const { members, memberSlots } = params;
  const pairs: string[] = [];
  for (let i = 0; i < memberSlots; i += 2) {
    const partFrom = members[i] ?? 0;
    const partTo = members[i + 1] ?? 0;
    const quotes = bytes[partFrom] === QUOTE ? 1 : 0;
    if (text !== null) pairs.push(text.slice(partFrom + quotes, partTo - quotes));
    else if (quotes === 1) pairs.push(textOf(bytes, partFrom, partTo));
    else pairs.push(bytes.toString('utf8', partFrom, partTo));
  }
  return pairs;
}

// One request is read at a time in a thread, and wholly within one turn.
const body = new JsonScanner();
const params = new JsonScanner();

const NO_PAIRS: readonly string[] = [];

/** Go takes integer literals only: 30.0 and 3e1 are refused (contract 8.1). */
const INTEGER = /^-?\d{1,18}$/;
