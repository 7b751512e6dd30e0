import { BOT_JSON } from './bot-json.ts';

/** Above this many, the others are not told: whoever mends these sees them next. */
const MOST = 100;

/** What lies in a folder of bots and is none, with a sentence that says why and what to do; by name. */
export class IgnoredEntries {
  readonly sentences = new Map<string, string>();
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  withoutBotJson(folder: string): void {
    this.#add(
      folder,
      `the folder ${folder} in ${this.#directory} has no ${BOT_JSON}, so no bot runs from it: write one, or move the folder away`,
    );
  }

  /** What else there is besides folders, as it is now. */
  links(names: readonly string[]): void {
    for (const [name, sentence] of this.sentences) {
      if (sentence === this.#linkSentence(name) && !names.includes(name)) this.sentences.delete(name);
    }
    for (const name of names) this.#add(name, this.#linkSentence(name));
  }

  /** The folder of bots looks like a bot itself. */
  isBotItself(is: boolean): void {
    if (!is) this.sentences.delete(BOT_JSON);
    else {
      this.#add(
        BOT_JSON,
        `the bots folder ${this.#directory} has a ${BOT_JSON} itself, and is meant to hold one folder per bot: name the folder above it with --bots`,
      );
    }
  }

  /** It is a bot, or is not there any more. */
  forget(name: string): void {
    this.sentences.delete(name);
  }

  #linkSentence(name: string): string {
    return `${name} in the bots folder ${this.#directory} is a symbolic link, which is not followed: put the folder itself there`;
  }

  #add(name: string, sentence: string): void {
    if (this.sentences.has(name) || this.sentences.size < MOST) this.sentences.set(name, sentence);
  }
}
