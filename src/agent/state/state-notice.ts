/**
 * What somebody should know of a bot's state, and what keeps a file from being stored as it is:
 *
 * - `not-json`: a `.the0-state/*.json` does not parse
 * - `file-too-large`: above the limit for one file
 * - `busy`: it was written again whenever it was read
 * - `unreadable`: the agent may not read it
 * - `unsupported-type`: a socket, a pipe or a device
 * - `name-not-utf8`: its name is none that an archive can hold
 * - `link-leads-out`: a symbolic link to something outside the state directory
 *
 * and of the whole state:
 *
 * - `state-too-large`, `too-many-entries`: nothing is stored until it is smaller
 * - `directory-missing`: the bot removed its state directory
 * - `overwrote-foreign`: another program had changed the stored state; what the bot has replaced it
 */
export type NoticeCode =
  | WithheldCode
  | 'state-too-large'
  | 'too-many-entries'
  | 'directory-missing'
  | 'overwrote-foreign';

export type WithheldCode =
  | 'not-json'
  | 'file-too-large'
  | 'busy'
  | 'unreadable'
  | 'unsupported-type'
  | 'name-not-utf8'
  | 'link-leads-out';

export interface StateNotice {
  readonly code: NoticeCode;
  /** The file it is about; null: the whole state. */
  readonly name: string | null;
  /** One sentence for the bot's log. */
  readonly message: string;
}

const MOST_REMEMBERED = 1_000;

/** Says each thing once, until it is over. */
export class Notices {
  readonly #tell: (notice: StateNotice) => void;
  readonly #tellOver: (code: NoticeCode, name: string | null) => void;
  readonly #said = new Set<string>();

  constructor(
    tell: (notice: StateNotice) => void,
    tellOver: (code: NoticeCode, name: string | null) => void = () => {},
  ) {
    this.#tell = tell;
    this.#tellOver = tellOver;
  }

  say(notice: StateNotice): void {
    const key = keyOf(notice.code, notice.name);
    if (this.#said.has(key)) return;
    const [oldest] = this.#said;
    if (this.#said.size >= MOST_REMEMBERED && oldest !== undefined) this.#said.delete(oldest);
    this.#said.add(key);
    this.#tell(notice);
  }

  /** The next time is worth a word again. */
  over(code: NoticeCode, name: string | null): void {
    if (this.#said.delete(keyOf(code, name))) this.#tellOver(code, name);
  }

  /** The same for every name that one of these was said of, and that is not so any more. */
  overWhere(codes: readonly WithheldCode[], isOver: (code: WithheldCode, name: string) => boolean): void {
    for (const key of this.#said) {
      const code = codes.find((each) => key.startsWith(`${each} `));
      if (code === undefined) continue;
      const name = key.slice(code.length + 1);
      if (isOver(code, name)) this.over(code, name);
    }
  }
}

function keyOf(code: NoticeCode, name: string | null): string {
  return `${code} ${name ?? ''}`;
}
