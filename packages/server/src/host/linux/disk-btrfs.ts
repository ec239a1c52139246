/** Disks as subvolumes of one btrfs for the whole depot, which is an image in it: native/launcher/disk-btrfs.c. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerDisk, DiskLimits, DiskState } from '../disk.js';
import { refuseInodeLimit, type DiskBackend } from './disk-backend.js';
import { isAttached, makeBtrfsImage } from './disk-image-file.js';
import { DiskRequests } from './disk-requests.js';
import type { LauncherProcess } from './launcher.js';

export class BtrfsDisks implements DiskBackend {
  readonly name = 'btrfs';
  readonly #requests: DiskRequests;

  /**
   * @param path directory of the disks, in the depot
   * @param image file in the depot
   * @param imageSizeInBytes null: nine tenths of what is free
   */
  constructor(
    private readonly path: string,
    private readonly image: string,
    private readonly imageSizeInBytes: number | null,
    launcher: Pick<LauncherProcess, 'disk'>,
  ) {
    this.#requests = new DiskRequests(launcher, 'btrfs');
  }

  async prepare(): Promise<void> {
    if (isMounted(this.path)) {
      await this.#requests.prepare(this.path);
      return;
    }
    // Of an image that no device has no container has anything, whatever is in it.
    if (!isAttached(this.image)) await makeBtrfsImage(this.image, this.imageSizeInBytes);
    await this.#requests.prepare(this.path, this.image);
  }

  readonly make = (path: string): Promise<void> => this.#requests.make(path);

  async limit({ directory }: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    refuseInodeLimit(this, change);
    return this.#requests.limit(directory ?? '', change.bytes);
  }
}

function isMounted(path: string): boolean {
  return lstatSync(path).dev !== lstatSync(dirname(path)).dev;
}
