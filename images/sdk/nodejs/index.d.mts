import { error, log, metric, parse, query, result, sleep, state, success } from './index.js';

export * from './index.js';

declare const the0: {
  parse: typeof parse;
  success: typeof success;
  error: typeof error;
  result: typeof result;
  metric: typeof metric;
  log: typeof log;
  sleep: typeof sleep;
  state: typeof state;
  query: typeof query;
};
export default the0;
