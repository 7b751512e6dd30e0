import commonjs from './index.js';

export * from './index.js';

declare const the0: typeof commonjs.default;
export default the0;
