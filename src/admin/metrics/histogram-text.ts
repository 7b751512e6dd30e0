/** Times that another part has sorted into buckets itself. */
export interface CountedTimes {
  /** With the prefix `the0_` and the suffix `_seconds`. */
  readonly name: string;
  readonly help: string;
  /** Upper bounds of the buckets in seconds, ascending; what is longer is in one more. */
  readonly bounds: readonly number[];
  readonly label: string;
  readonly read: () => readonly CountedSeries[];
}

export interface CountedSeries {
  readonly value: string;
  readonly sumSeconds: number;
  /** How many are in each bucket, one more than there are bounds. */
  readonly buckets: readonly number[];
}

/**
 * A histogram in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/), in which each bucket
 * holds those before it too. `prom-client` only takes single observations.
 */
export function histogramText({ name, help, bounds, label, read }: CountedTimes): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const { value, sumSeconds, buckets } of read()) {
    let total = 0;
    buckets.forEach((count, index) => {
      total += count;
      lines.push(`${name}_bucket{le="${bounds[index] ?? '+Inf'}",${label}="${value}"} ${total}`);
    });
    lines.push(`${name}_sum{${label}="${value}"} ${sumSeconds}`, `${name}_count{${label}="${value}"} ${total}`);
  }
  return `${lines.join('\n')}\n`;
}
