/**
 * The memory limit of a group: of memory, and of memory and swap together.
 *
 *   version 1   memory.limit_in_bytes, memory.memsw.limit_in_bytes (which the kernel never lets be the smaller one), and
 *               memory.kmem.tcp.limit_in_bytes, because there the memory of sockets is counted apart, and only when it is limited
 *   version 2   memory.max; swap is counted apart, so together they have the same limit when memory.swap.max is 0
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WardenError } from 'warden-protocol';
import { unlimitedMemory, type MemoryLimits } from '../limits.js';
import { readGroupFile, readOptionalGroupFile, requireGroup, writeGroupFile, writeGroupFileInBackground, type ControllerGroup } from './group-file.js';
import { isErrno } from './small-file.js';

/** For what has to be written to the disk before its memory is free. */
const reclaimDeadlineMs = 5_000;
const writebackPauseMs = 20;

export class LinuxMemoryLimits implements MemoryLimits {
  constructor(private readonly groupOf: (containerId: string) => ControllerGroup | undefined) {}

  read(containerId: string): bigint {
    return readMemoryLimit(this.#group(containerId));
  }

  async write(containerId: string, limitInBytes: bigint): Promise<void> {
    await setMemoryLimit(this.#group(containerId), limitInBytes);
  }

  #group(containerId: string): ControllerGroup {
    return requireGroup(this.groupOf(containerId), 'memory');
  }
}

/** Sockets of the Internet's families; their memory is counted in a group of version 1 from the first write to this file on. */
export const socketMemoryFile = 'memory.kmem.tcp.limit_in_bytes';

/** In bytes; unlimitedMemory: none. */
export function readMemoryLimit(group: ControllerGroup): bigint {
  return parseLimit(readGroupFile(group, group.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'));
}

/** What is in use, swap included, in bytes. */
export function readMemoryUse(group: ControllerGroup): bigint {
  const names = group.version === 1 ? ['memory.memsw.usage_in_bytes', 'memory.usage_in_bytes'] : ['memory.current'];
  for (const name of names) {
    const text = readOptionalGroupFile(group, name);
    if (text !== undefined) return BigInt(text);
  }
  return 0n;
}

/**
 * @param withSwap the same limit for memory and swap together, and for the memory of sockets where that is apart; else for memory alone
 * @throws WardenError wrong_state when too much is used: the old limit stays
 */
export async function setMemoryLimit(group: ControllerGroup, limitInBytes: bigint, { withSwap = true } = {}): Promise<void> {
  const limit = limitInBytes > unlimitedMemory ? unlimitedMemory : limitInBytes;
  await (group.version === 1 ? setVersion1(group, limit, withSwap) : setVersion2(group, limit, withSwap));
}

/** Limits the memory of Internet sockets in a group of version 1. Elsewhere, and in a kernel that has no such limit, it is memory like any other. */
export function limitSocketMemory(group: ControllerGroup, limitInBytes: bigint): void {
  if (group.version === 1 && readOptionalGroupFile(group, socketMemoryFile) !== undefined) writeGroupFile(group, socketMemoryFile, String(limitInBytes));
}

async function setVersion1(group: ControllerGroup, limit: bigint, withSwap: boolean): Promise<void> {
  const both = readOptionalGroupFile(group, 'memory.memsw.limit_in_bytes');
  const sockets = withSwap ? readOptionalGroupFile(group, socketMemoryFile) : undefined;
  const files: { name: string; before: string }[] = [{ name: 'memory.limit_in_bytes', before: readGroupFile(group, 'memory.limit_in_bytes') }];
  // Raised first when it would be the smaller one, and else lowered last.
  if (both !== undefined && (withSwap || limit > BigInt(both))) files[limit >= BigInt(both) ? 'unshift' : 'push']({ name: 'memory.memsw.limit_in_bytes', before: both });
  if (sockets !== undefined) files.push({ name: socketMemoryFile, before: sockets });
  const write = readMemoryUse(group) > limit ? writeGroupFileInBackground : writeGroupFile;
  const written: typeof files = [];
  for (const file of files) {
    try {
      await write(group, file.name, String(limit));
      written.unshift(file);
    } catch (error) {
      // Each goes up again, the one written last first: what was in order before is in order on the way.
      for (const { name, before } of written) writeGroupFile(group, name, before);
      if (isErrno(error, 'EBUSY')) throw tooMuchInUse(group, limit);
      throw error;
    }
  }
}

async function setVersion2(group: ControllerGroup, limit: bigint, withSwap: boolean): Promise<void> {
  // Below what is in use memory.max would let the OOM killer have its way at once, so that is brought down before.
  if (readMemoryUse(group) > limit) await reclaimAll(group, limit);
  if (readMemoryUse(group) > limit) throw tooMuchInUse(group, limit);
  const isUnlimited = limit >= unlimitedMemory;
  if (withSwap && readOptionalGroupFile(group, 'memory.swap.max') !== undefined) writeGroupFile(group, 'memory.swap.max', isUnlimited ? 'max' : '0');
  writeGroupFile(group, 'memory.max', isUnlimited ? 'max' : String(limit));
}

/** Until no more than the limit is in use, or nothing more can be had. */
async function reclaimAll(group: ControllerGroup, limit: bigint): Promise<void> {
  const began = performance.now();
  for (let before = readMemoryUse(group); ; ) {
    await reclaim(group, limit);
    const use = readMemoryUse(group);
    if (use <= limit || performance.now() - began > reclaimDeadlineMs) return;
    // Pages that are not on the disk yet cannot be given up. Being asked for them, the kernel begins to write, and tells nobody when it has.
    const waits = isBeingWritten(group);
    if (use >= before && !waits) return;
    if (waits) await delay(writebackPauseMs);
    before = use;
  }
}

function isBeingWritten(group: ControllerGroup): boolean {
  const text = readOptionalGroupFile(group, 'memory.stat') ?? '';
  return [...text.matchAll(/^file_(?:dirty|writeback) (\d+)$/gm)].some(([, bytes]) => bytes !== '0');
}

async function reclaim(group: ControllerGroup, limit: bigint): Promise<void> {
  try {
    await writeGroupFileInBackground(group, 'memory.reclaim', String(readMemoryUse(group) - limit));
  } catch (error) {
    // EAGAIN: not all of it could be.
    if (!isErrno(error, 'ENOENT')) return;
    // Before Linux 5.19: a limit at which processes wait and memory is reclaimed, for this moment.
    await writeGroupFileInBackground(group, 'memory.high', String(limit));
    writeGroupFile(group, 'memory.high', 'max');
  }
}

function tooMuchInUse(group: ControllerGroup, limit: bigint): WardenError {
  return new WardenError(
    'wrong_state',
    `the memory limit cannot be ${limit} bytes: ${readMemoryUse(group)} bytes are in use and cannot be reclaimed; the limit stays at ${readMemoryLimit(group)} bytes. End processes or remove files of /dev/shm first`,
  );
}

function parseLimit(text: string): bigint {
  return text === 'max' ? unlimitedMemory : BigInt(text);
}
