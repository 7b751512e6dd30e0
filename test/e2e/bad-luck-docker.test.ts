import { happenOn } from './bad-luck/harness.ts';
import { TABLE } from './bad-luck/table.ts';

await happenOn('docker', TABLE);
