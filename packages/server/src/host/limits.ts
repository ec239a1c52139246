/**
 * What the kernel enforces for a container by its cgroups. It is written there and read from there, nowhere else: the groups
 * outlive the server, and so the limits are in force, and can be read, after every restart.
 */

/** What an unlimited container reads, in bytes: the largest number of whole pages below 2^63. */
export const unlimitedMemory = 9_223_372_036_854_771_712n;

/** Shares of a container that nobody has limited. */
export const defaultCpuShares = 1024n;
export const leastCpuShares = 2n;
export const mostCpuShares = 262_144n;

export interface MemoryLimits {
  /**
   * The limit in force, in bytes; unlimitedMemory: none.
   * @throws WardenError unsupported: this machine has no memory controller for containers
   */
  read(containerId: string): bigint;
  /**
   * Limits memory, and memory together with swap, to as many bytes, which the kernel rounds down to whole pages; unlimitedMemory
   * and above: not at all. What is used beyond the limit is reclaimed first, for which the call waits in the background.
   * @throws WardenError wrong_state when too much cannot be reclaimed: the old limit stays; unsupported
   */
  write(containerId: string, limitInBytes: bigint): Promise<void>;
}

/** Processor time of all processors together. */
export interface CpuQuota {
  /** Microseconds in each period. */
  readonly quotaInUs: bigint;
  readonly periodInUs: bigint;
}

export interface CpuLimit {
  /** Weight against other containers, in the scale of cgroup v1. */
  readonly shares: bigint;
  /** Undefined: none. */
  readonly quota: CpuQuota | undefined;
  /** The processors it may use, as a list of cpuset(7); undefined: all that containers have. */
  readonly cpus: string | undefined;
}

/** What is to be changed; a quota of null is none, an empty list is all processors. */
export interface CpuLimitChange {
  readonly shares?: bigint | undefined;
  readonly quota?: CpuQuota | null | undefined;
  readonly cpus?: string | undefined;
}

export interface PidsLimits {
  /**
   * The most processes and threads a container may have; undefined: as many as all containers may have together.
   * @throws WardenError unsupported: this machine has no pids controller for containers
   */
  read(containerId: string): bigint | undefined;
  /** Those that are there beyond it stay. @throws WardenError unsupported */
  write(containerId: string, limit: bigint | undefined): void;
}

export interface CpuLimits {
  /** What is in force. @throws WardenError unsupported: this machine has no cpu controller for containers */
  read(containerId: string): CpuLimit;
  /**
   * Changes all that is named, or nothing.
   * @throws WardenError unsupported; invalid_argument: processors that containers do not have
   */
  write(containerId: string, change: CpuLimitChange): void;
}
