/** What a container uses, as the kernel counts it. */
import type { EncodedMessage } from 'warden-protocol';

/** Names of cgroup v1's memory.stat that clients know, in camel case; each but the limits is also there with `total` before it. */
export const memoryCounters = [
  'cache', 'rss', 'mappedFile', 'pgpgin', 'pgpgout', 'swap', 'pgfault', 'pgmajfault', 'inactiveAnon', 'activeAnon', 'inactiveFile', 'activeFile', 'unevictable',
] as const;
export type MemoryCounter = (typeof memoryCounters)[number];

type TotalOf<Name extends string> = `total${Capitalize<Name>}`;

/** Bytes, but pgpgin, pgpgout, pgfault and pgmajfault, which are numbers of events. */
export type MemoryStatistics = Readonly<Record<MemoryCounter | TotalOf<MemoryCounter> | 'hierarchicalMemoryLimit' | 'hierarchicalMemswLimit', bigint>>;

export interface CpuStatistics {
  /** Nanoseconds. */
  readonly usage: bigint;
  /** Ticks of USER_HZ, a hundredth of a second. */
  readonly user: bigint;
  readonly system: bigint;
}

/** Processes and threads. */
export interface PidsStatistics {
  readonly current: bigint;
  /** Undefined: as many as all containers may have together. */
  readonly max: bigint | undefined;
}

/** What a container's link has carried, Ethernet headers included, also what the firewall refused afterwards. */
export interface LinkStatistics {
  /** To the container. */
  readonly inBytes: bigint;
  readonly inPackets: bigint;
  /** From it. */
  readonly outBytes: bigint;
  readonly outPackets: bigint;
}

/**
 * Texts of files that statistics are read from, by the files' names: what a monitor has read for the end of a job. Statistics takes what it finds
 * in them and reads the rest itself.
 */
export interface UsageTexts {
  /** By the file's name; undefined: it was not told. */
  get(name: string): Buffer | undefined;
}

/** Calls are synchronous: each takes some ten microseconds, and a reply is not to be held up by waiting for it. */
export interface Statistics {
  /** Undefined: nothing is known, because the controller is missing or the container's groups are gone. */
  memory(containerId: string, told?: UsageTexts): MemoryStatistics | undefined;
  /** The same for a reply, where the way there is short: memory_stat of InfoResponse as it is on the wire. */
  encodedMemory(containerId: string, told?: UsageTexts): EncodedMessage | MemoryStatistics | undefined;
  cpu(containerId: string, told?: UsageTexts): CpuStatistics | undefined;
  pids(containerId: string, told?: UsageTexts): PidsStatistics | undefined;
  /** The container goes: nothing is kept open of it. */
  forget(containerId: string): void;
}
