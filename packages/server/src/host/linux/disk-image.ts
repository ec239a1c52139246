/** Disks as file systems of their own, each an image that is copied from a template: native/launcher/disk-image.c. */
import { statfsSync } from 'node:fs';
import type { ContainerDisk, DiskLimits, DiskState, DiskUsage } from '../disk.js';
import { refuseInodeLimit, type DiskBackend } from './disk-backend.js';
import { makeExt4Template } from './disk-image-file.js';
import { DiskRequests } from './disk-requests.js';
import type { LauncherProcess } from './launcher.js';
import { unlessGone } from './unless-gone.js';

const ext4Magic = 0xef53n;
/** Those that ext4 keeps for itself, but for the root directory's. */
const ownInodes = 9n;

export class ImageDisks implements DiskBackend {
  readonly name = 'image';
  readonly #requests: DiskRequests;

  /**
   * @param path directory of the disks, in the depot
   * @param template file in the depot; it is made anew at each start
   * @param imageSizeInBytes null: nine tenths of what is free
   */
  constructor(
    private readonly path: string,
    private readonly template: string,
    private readonly imageSizeInBytes: number | null,
    launcher: Pick<LauncherProcess, 'disk'>,
  ) {
    this.#requests = new DiskRequests(launcher, 'image');
  }

  async prepare(): Promise<void> {
    await makeExt4Template(this.template, this.imageSizeInBytes);
    await this.#requests.prepare(this.path, this.template);
  }

  readonly make = async (path: string): Promise<void> => {
    await this.#requests.make(path, this.template);
  };

  /** As native/launcher/disk-image.c reads it. Undefined: it is not mounted any more, or not yet looked for. */
  readonly usage = ({ directory }: ContainerDisk): DiskUsage | undefined => {
    if (directory === undefined) return undefined;
    const status = unlessGone(undefined, () => statfsSync(directory, { bigint: true }));
    // Another file system is the depot's own: the image is not mounted any more.
    if (status?.type !== ext4Magic) return undefined;
    return { bytes: (status.blocks - status.bfree) * status.bsize, inodes: status.files - status.ffree - ownInodes };
  };

  async limit({ directory }: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    refuseInodeLimit(this, change);
    const { limits, usage } = await this.#requests.limit(directory ?? '', change.bytes);
    return { limits, usage };
  }
}
