/* Medians and percentiles of samples. */

export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** The smallest sample that `fraction` of all samples do not exceed. */
export function percentile(sorted: readonly number[], fraction: number): number {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)];
  if (value === undefined) throw new Error('no samples');
  return value;
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((left, right) => left - right);
  return {
    count: sorted.length, median: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), minimum: percentile(sorted, 0), maximum: percentile(sorted, 1),
  };
}

export function median(samples: readonly number[]): number {
  return summarize(samples).median;
}
