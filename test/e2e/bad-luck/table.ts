import type { BadLuck } from './bad-luck.ts';
import { BOT_JSON } from './rows/bot-json.ts';
import { CODE } from './rows/code.ts';
import { LIFE } from './rows/life.ts';
import { ANSWERS, QUESTIONS } from './rows/queries.ts';
import { STARTS } from './rows/start.ts';

/** Everything that can go wrong, as far as anybody has thought of it. */
export const TABLE: readonly BadLuck[] = process.env["ONLY"] === "starts" ? [...STARTS] : [...BOT_JSON, ...CODE, ...LIFE, ...ANSWERS, ...QUESTIONS, ...STARTS];
