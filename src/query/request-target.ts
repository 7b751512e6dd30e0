/**
 * What stands in the request line to the bot: the query path, and the parameters once more as query string, because the SDKs
 * read only the URL (contract 8.3). A fragment is cut off and odd characters are percent-encoded, as Go's client does; so
 * no path can smuggle a blank, a line end or a second request.
 *
 * @param path begins with `/`; may hold a query string of its own, which stays in front
 * @param pairs names and values in turn, not encoded
 */
export function requestTarget(path: string, pairs: readonly string[]): string {
  let target = path;
  if (!PLAIN.test(target)) {
    const fragment = target.indexOf('#');
    if (fragment >= 0) target = target.slice(0, fragment);
    target = target.replace(ODD, (odd) => encodeURIComponent(odd.toWellFormed()));
  }
  if (pairs.length === 0) return target;
  let joiner = target.includes('?') ? '&' : '?';
  let query = '';
  for (let i = 0; i < pairs.length; i += 2) {
    query += `${joiner}${encodePart(pairs[i] ?? '')}=${encodePart(pairs[i + 1] ?? '')}`;
    joiner = '&';
    if (query.length > LONGEST_QUERY) return target;
  }
  return target + query;
}

function encodePart(text: string): string {
  return UNRESERVED.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

/**
 * Longer parameters travel only in the body: servers refuse long request lines (Node's takes 16 KiB of head, those of the
 * C++ and Haskell SDKs read 4 KiB at all), and a handler that wants that much must read the body anyway.
 */
const LONGEST_QUERY = 8192;

const PLAIN = /^[\w\-.~:/?[\]@!$&'()*+,;=%]*$/;
const ODD = /[^\w\-.~:/?[\]@!$&'()*+,;=%]/gu;
const UNRESERVED = /^[\w\-.~]*$/;
