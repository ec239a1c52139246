/** Disks as file systems of their own, each an image that is copied from a template: native/launcher/disk-image.c. */
import type { ContainerDisk, DiskLimits, DiskState } from '../disk.js';
import { refuseInodeLimit, type DiskBackend } from './disk-backend.js';
import { makeExt4Template } from './disk-image-file.js';
import { DiskRequests } from './disk-requests.js';
import type { LauncherProcess } from './launcher.js';

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

  readonly make = (path: string): Promise<void> => this.#requests.make(path, this.template);

  async limit({ directory }: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    refuseInodeLimit(this, change);
    return this.#requests.limit(directory ?? '', change.bytes);
  }
}
