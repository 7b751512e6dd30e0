import type { ObjectPlace } from '../object-store.ts';

/** Path style: `/bucket/key`, encoded as the signature wants it (RFC 3986; a slash stays). */
export function resourcePath({ bucket, key }: ObjectPlace): string {
  return key === '' ? `/${bucket}` : `/${bucket}/${encodeText(key).replaceAll('%2F', '/')}`;
}

/** Sorted by name, as the signature wants it. */
export function queryString(query: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(query ?? {}).map(([name, value]) => `${encodeText(name)}=${encodeText(value)}`);
  return pairs.sort().join('&');
}

function encodeText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
