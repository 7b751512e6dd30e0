/**
 * The few fields of S3's answers. They are flat and made by machines, so a search is enough; the text is bounded by
 * whoever read it.
 */

/** Text of the first such element, or null. */
export function xmlText(xml: string, element: string): string | null {
  const from = xml.indexOf(`<${element}>`);
  if (from < 0) return null;
  const start = from + element.length + 2;
  const end = xml.indexOf(`</${element}>`, start);
  return end < 0 ? null : unescapeXml(xml.slice(start, end));
}

/** What is inside each such element, one after the other. */
export function* xmlElements(xml: string, element: string): Generator<string> {
  const close = `</${element}>`;
  for (let at = 0; ; ) {
    const from = xml.indexOf(`<${element}>`, at);
    if (from < 0) return;
    const end = xml.indexOf(close, from);
    if (end < 0) return;
    yield xml.slice(from + element.length + 2, end);
    at = end + close.length;
  }
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/g, (all, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? all;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
