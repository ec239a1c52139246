/** One way to enforce disk limits. Which there are: disks.ts. */
import { WardenError } from 'warden-protocol';
import type { DiskBackendName } from '../../lib/disk-backend-names.js';
import type { ContainerDisk, DiskLimits, DiskState, DiskUsage } from '../disk.js';

export interface DiskBackend {
  readonly name: Exclude<DiskBackendName, 'none'>;
  /** At the start, when the launcher is there. @throws what says why it does not work on this kernel and depot */
  prepare(): Promise<void>;
  /** Makes a place for a container's files; absent: they stay in the container's directory. */
  readonly make?: (path: string) => Promise<void>;
  /** As Disks.usage(); absent: only limit() can tell. */
  readonly usage?: (disk: ContainerDisk) => DiskUsage | undefined;
  /** As Disks.limit(). */
  limit(disk: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState>;
  /** As Disks.release(); absent: limits go with the files. */
  readonly release?: (disk: ContainerDisk) => Promise<void>;
}

/** Refuses a limit of inodes where they are not counted; 0 is none. */
export function refuseInodeLimit({ name }: DiskBackend, { inodes }: Partial<DiskLimits>): void {
  if (inodes === undefined || inodes === 0n) return;
  throw new WardenError('unsupported', `inode_limit: the disk backend ${name} cannot limit inodes, and nothing was changed; project and user could, on a depot whose file system has quotas (docs/limits.md)`);
}
