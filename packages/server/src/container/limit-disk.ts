/**
 * limit_disk: what a container's files may take of the disk. The request names a limit in several ways, by which old clients
 * have asked for it; the response is what is in force, in all of them.
 */
import { WardenError, type RequestOf, type ResponseInit, type Type } from 'warden-protocol';
import type { DiskLimits } from '../host/disk.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';

const blockInBytes = 1024n;

/** Kernels count bytes of a disk in signed 64 bits. */
const limitMaximum = 2n ** 63n - 1n;

/** The fields of a request that name one limit. */
interface Names {
  readonly hard: bigint | undefined;
  readonly limit: bigint | undefined;
  readonly plain: bigint | undefined;
  readonly soft: bigint | undefined;
}

/** @throws WardenError unsupported without a backend that can do it; invalid_argument */
export async function limitDisk(containers: Containers, container: Container, request: RequestOf<Type.LimitDisk>): Promise<ResponseInit<Type.LimitDisk>> {
  const change = diskLimitsOf(request);
  container.requireState('active', 'stopped');
  const { disks } = containers.host;
  try {
    const { limits } = await disks.limit(container.disk, change);
    return responseOf(limits);
  } catch (error) {
    // A destroy that was first, and may not be done, has taken the disk away.
    await containers.changes.run(container.id, async () => container.requireState('active', 'stopped'));
    throw error;
  }
}

/**
 * The limits that a request asks for. Blocks win over bytes, a hard limit over a plain one. There is no time of grace, so that a
 * soft limit counts where no other is given.
 * @throws WardenError invalid_argument
 */
export function diskLimitsOf(request: RequestOf<Type.LimitDisk>): Partial<DiskLimits> {
  const blocks = chosen('block', { hard: request.blockHard, limit: request.blockLimit, plain: request.block, soft: request.blockSoft });
  const bytes = chosen('byte', { hard: request.byteHard, limit: request.byteLimit, plain: request.byte, soft: request.byteSoft });
  const inodes = chosen('inode', { hard: request.inodeHard, limit: request.inodeLimit, plain: request.inode, soft: request.inodeSoft });
  const size = blocks !== undefined ? blocks * blockInBytes : bytes === undefined ? undefined : blocksOf(bytes) * blockInBytes;
  for (const [name, value] of [[blocks !== undefined ? 'block_limit' : 'byte_limit', size], ['inode_limit', inodes]] as const) {
    if (value !== undefined && value > limitMaximum) throw new WardenError('invalid_argument', `${name}: more than a disk can have (2^63 bytes or inodes); 0 is no limit`);
  }
  return { ...(size === undefined ? {} : { bytes: size }), ...(inodes === undefined ? {} : { inodes }) };
}

function chosen(kind: string, { hard, limit, plain, soft }: Names): bigint | undefined {
  const named = hard ?? limit ?? plain;
  if (named === undefined || soft === undefined) return named ?? soft;
  if (named === 0n) return soft;
  if (soft > named) throw new WardenError('invalid_argument', `${kind}_soft: ${soft} is above the hard limit of ${named}`);
  return named;
}

/** Of 1024 bytes, rounded up. */
function blocksOf(bytes: bigint): bigint {
  return (bytes + blockInBytes - 1n) / blockInBytes;
}

function responseOf({ bytes, inodes }: DiskLimits): ResponseInit<Type.LimitDisk> {
  const blocks = blocksOf(bytes);
  return {
    blockLimit: blocks, block: blocks, blockSoft: blocks, blockHard: blocks,
    inodeLimit: inodes, inode: inodes, inodeSoft: inodes, inodeHard: inodes,
    byteLimit: bytes, byte: bytes, byteSoft: bytes, byteHard: bytes,
  };
}
