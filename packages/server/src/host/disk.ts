/**
 * Limits on what a container's files take of the disk. How they are enforced depends on the file systems that the kernel and the
 * depot have: docs/limits.md compares the backends.
 */

import type { DiskBackendName } from '../lib/disk-backend-names.js';

/** Where a container's files lie, and whose they are. */
export interface ContainerDisk {
  /** What the container was made with; a later server may have another. */
  readonly backend: DiskBackendName;
  /** Holds upper/ and work/ of the container's overlay and nothing else. Undefined: they lie in the container's own directory. */
  readonly directory: string | undefined;
  /** The upper layer of the container's overlay. */
  readonly upper: string;
  /** vcap's on the host; unique among living containers. */
  readonly uid: number;
  /** Of the container's root on the host; undefined: not known, after the pool of uids was configured anew. */
  readonly rootUid: number | undefined;
}

/** 0 is no limit. */
export interface DiskLimits {
  readonly bytes: bigint;
  readonly inodes: bigint;
}

export interface DiskUsage {
  readonly bytes: bigint;
  /** Undefined: the backend does not count them. */
  readonly inodes: bigint | undefined;
}

export interface DiskState {
  /** What is in force. */
  readonly limits: DiskLimits;
  readonly usage: DiskUsage;
}

export interface Disks {
  /** What new containers are made with. */
  readonly backend: DiskBackendName;
  /**
   * What the container's files take, told at once: a few files or one system call. Undefined: only limit() can tell.
   */
  usage(disk: ContainerDisk): DiskUsage | undefined;
  /**
   * By a message to the launcher. Changes the limits that are given, at once, also to less than is used: then nothing more can be written. Without any it only reads.
   * @throws WardenError unsupported when the container's backend cannot limit that (the message names those that could), or it has none
   */
  limit(disk: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState>;
  /**
   * Takes away what would outlive the container's files: limits of ids. Its processes are gone, its files are still there.
   * @returns undefined: there is no such thing
   */
  release(disk: ContainerDisk): Promise<void> | undefined;
}
