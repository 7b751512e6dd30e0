import packageJson from '../../package.json' with { type: 'json' };

export const NAME = 'the0-runtime';
export const VERSION: string = packageJson.version;
