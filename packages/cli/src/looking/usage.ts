// What a container uses, out of what info tells, as stats and limits count it.
import type { InfoResponse } from 'warden-protocol';

/** What the protocol says where there is no limit of memory. */
export const UNLIMITED_MEMORY = 9_223_372_036_854_771_712n;

/** Bytes, without files in memory that nobody has used for a while: the kernel takes those first, before anything is missing. */
export function memoryUsed(stat: InfoResponse['memoryStat']): bigint | undefined {
  if (stat === undefined) return undefined;
  const whole = (stat.totalRss ?? stat.rss ?? 0n) + (stat.totalCache ?? stat.cache ?? 0n);
  const idle = stat.totalInactiveFile ?? stat.inactiveFile ?? 0n;
  return whole > idle ? whole - idle : 0n;
}

/** One look at a container. */
export interface Sample {
  readonly handle: string;
  readonly info: InfoResponse;
  /** Monotonic. */
  readonly atMs: number;
}

/** Per cent of one processor between two looks; undefined without an earlier one. */
export function processorShare(sample: Sample, earlier: Sample | undefined): number | undefined {
  const [now, before] = [sample.info.cpuStat?.usage, earlier?.info.cpuStat?.usage];
  if (earlier === undefined || now === undefined || before === undefined || sample.atMs <= earlier.atMs) return undefined;
  return Math.max(0, Number(now - before) / 1e6 / (sample.atMs - earlier.atMs) * 100);
}
