import { BLOCK_BYTES, paddingOf, type TarEntry } from './tar-entry.ts';

const TYPE_FLAGS = { file: '0', link: '2', directory: '5' } as const;
/** Largest numbers of the octal fields of a ustar header. */
const MOST_SIZE = 0o77777777777;
const MOST_ID = 0o7777777;
const NAME_BYTES = 100;
const ASCII = /^[\x20-\x7e]*$/;

/** The blocks before an entry's content: a ustar header, and before it an extended one (pax) where ustar has no room. */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const records: string[] = [];
  const long = (text: string) => !ASCII.test(text) || Buffer.byteLength(text) > NAME_BYTES;
  if (long(entry.name)) records.push(paxRecord('path', entry.name));
  if (long(entry.linkTarget)) records.push(paxRecord('linkpath', entry.linkTarget));
  if (entry.size > MOST_SIZE) records.push(paxRecord('size', String(entry.size)));
  if (entry.uid > MOST_ID) records.push(paxRecord('uid', String(entry.uid)));
  if (entry.gid > MOST_ID) records.push(paxRecord('gid', String(entry.gid)));
  const own = ustar(entry, TYPE_FLAGS[entry.kind], entry.size);
  if (records.length === 0) return own;
  const pax = Buffer.from(records.join(''));
  const extended = ustar({ ...entry, name: 'PaxHeaders/entry', linkTarget: '', mode: 0o644 }, 'x', pax.length);
  return Buffer.concat([extended, pax, Buffer.alloc(paddingOf(pax.length)), own]);
}

function ustar(entry: TarEntry, typeFlag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
  block.write(entry.name, 0, NAME_BYTES);
  octal(entry.mode & 0o777, 100, 8);
  octal(entry.uid > MOST_ID ? 0 : entry.uid, 108, 8);
  octal(entry.gid > MOST_ID ? 0 : entry.gid, 116, 8);
  octal(size > MOST_SIZE ? 0 : size, 124, 12);
  octal(Math.min(Math.max(0, entry.mtime), MOST_SIZE), 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(typeFlag, 156, 'latin1');
  block.write(entry.linkTarget, 157, NAME_BYTES);
  block.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  // By index: `for … of` makes an object for each byte, which an agent that stores its state every second would feel.
  for (let at = 0; at < BLOCK_BYTES; at += 1) sum += block[at] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length += 1;
  return `${length} ${key}=${value}\n`;
}
