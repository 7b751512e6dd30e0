import type { BadLuck } from './bad-luck.ts';
import { BOT_JSON } from './rows/bot-json.ts';
import { CODE } from './rows/code.ts';
import { CONTAINERS } from './rows/containers.ts';
import { DEPENDENCIES } from './rows/dependencies.ts';
import { LIFE } from './rows/life.ts';
import { ANSWERS, QUESTIONS } from './rows/queries.ts';
import { STARTS } from './rows/start.ts';

/** Everything that can go wrong, as far as anybody has thought of it. What takes long comes first. */
export const TABLE: readonly BadLuck[] = [
  ...DEPENDENCIES,
  ...CONTAINERS,
  ...LIFE,
  ...CODE,
  ...BOT_JSON,
  ...ANSWERS,
  ...QUESTIONS,
  ...STARTS,
];
