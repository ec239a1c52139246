/**
 * Shares of cgroup v1 and weights of version 2 are the same thing in two scales: the kernel gives a group of weight W the load
 * of W × 1024 / 100 shares, rounded to the nearest (kernel/sched/core.c, sched_weight_from_cgroup). So 1024 shares are 100, the
 * default of both, and containers keep their proportions. A weight is 1 to 10000, which is 10 to 102400 shares.
 */
const sharesOfDefault = 1024n;
const weightOfDefault = 100n;
const leastWeight = 1n;
const mostWeight = 10_000n;

/** The weight nearest to so many shares. */
export function weightOfShares(shares: bigint): bigint {
  const weight = divideToNearest(shares * weightOfDefault, sharesOfDefault);
  return weight < leastWeight ? leastWeight : weight > mostWeight ? mostWeight : weight;
}

/** The shares that the kernel counts for a weight. The weight of these is that weight again. */
export function sharesOfWeight(weight: bigint): bigint {
  return divideToNearest(weight * sharesOfDefault, weightOfDefault);
}

function divideToNearest(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor / 2n) / divisor;
}
