// One set of objects for `require` and `import`: a state flag or a handler set through one is seen through the other.
import the0 from './index.js';

export const { parse, success, error, result, metric, log, sleep, state, query } = the0;
export default the0.default;
