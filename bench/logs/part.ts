import type { Row } from '../report.ts';

/** One question about the stored log, with its answer. @param short less of everything */
export type Part = (short: boolean) => Promise<{ readonly rows: readonly Row[]; readonly notes: readonly string[] }>;
