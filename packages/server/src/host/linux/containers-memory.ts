/**
 * How much memory all containers together may have: the machine's without a reserve, by a limit of the group that theirs are
 * below. When they meet it the kernel ends one of their processes, and never one of the host's, because the machine still has memory then.
 */
import { totalmem } from 'node:os';
import { WardenError } from 'warden-protocol';
import type { MemoryReserve } from '../../config/configuration.js';
import type { Log } from '../../lib/log.js';
import type { ControllerGroup } from './group-file.js';
import { limitSocketMemory, readMemoryLimit, readMemoryUse, setMemoryLimit } from './memory-limits.js';
import { isErrno } from './small-file.js';

/** Without a configured one: a part of the machine, but not too little for wardend, the monitors and the kernel itself. */
const defaultReserve = { part: 0.1, leastInBytes: 256 * 1024 * 1024, mostPart: 0.5 } as const;
/** With less a container cannot even be made. */
const leastInBytes = 64 * 1024 * 1024;
const leastSocketsInBytes = 64 * 1024 * 1024;

export interface ContainersMemory {
  /** Whole pages. */
  readonly limitInBytes: bigint;
  /** Of Internet sockets on cgroup v1, which counts them apart: at most half of the reserve. */
  readonly socketsInBytes: bigint;
}

/** Pure. @throws WardenError invalid_argument when next to nothing is left */
export function containersMemory(totalInBytes: number, reserve: MemoryReserve | null): ContainersMemory {
  const reserveInBytes = reserve === null
    ? Math.min(Math.max(totalInBytes * defaultReserve.part, defaultReserve.leastInBytes), totalInBytes * defaultReserve.mostPart)
    : 'bytes' in reserve ? reserve.bytes : totalInBytes * reserve.part;
  const limit = Math.floor(totalInBytes - reserveInBytes);
  if (limit < leastInBytes) {
    throw new WardenError('invalid_argument', `server.container_memory_reserve: of the machine's ${totalInBytes} bytes it leaves ${Math.max(0, limit)} to containers, who need ${leastInBytes}`);
  }
  return { limitInBytes: toPages(limit), socketsInBytes: toPages(Math.max(reserveInBytes / 2, leastSocketsInBytes)) };
}

/** What there is for everybody: the machine's memory, or less in a cgroup namespace whose root is limited. */
export function memoryOfMachine(root: ControllerGroup, total = totalmem()): number {
  return Math.min(total, Number(limitOf(root)));
}

function limitOf(group: ControllerGroup): bigint {
  try {
    return readMemoryLimit(group);
  } catch (error) {
    // The real root of version 2 has no such file.
    if (isErrno(error, 'ENOENT')) return BigInt(Number.MAX_SAFE_INTEGER);
    throw error;
  }
}

/**
 * At every start, whatever was set before and whatever containers use. Swap is left alone: what is in it takes no memory.
 * When they use more already, and it cannot be reclaimed, they keep what they have and get no more, and the next start tries again.
 */
export async function limitContainersMemory(group: ControllerGroup, { limitInBytes, socketsInBytes }: ContainersMemory, log: Log): Promise<void> {
  try {
    await setMemoryLimit(group, limitInBytes, { withSwap: false });
  } catch (error) {
    if (!(error instanceof WardenError)) throw error;
    const use = readMemoryUse(group);
    await setMemoryLimit(group, use + slackInBytes, { withSwap: false });
    log.warn({ limitInBytes: String(limitInBytes), usedInBytes: String(use) }, 'the containers use more memory than server.container_memory_reserve leaves them: they can have no more than now, until the next start');
  }
  limitSocketMemory(group, socketsInBytes);
}

/** What may be used between reading and writing. */
const slackInBytes = 16n * 1024n * 1024n;

function toPages(bytes: number): bigint {
  return BigInt(Math.floor(bytes)) & ~4095n;
}
