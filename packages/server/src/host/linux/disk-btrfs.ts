/** Disks as subvolumes of one btrfs for the whole depot, which is an image in it: native/launcher/disk-btrfs.c. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerDisk, DiskLimits, DiskState, DiskUsage } from '../disk.js';
import { refuseInodeLimit, type DiskBackend } from './disk-backend.js';
import { isAttached, makeBtrfsImage } from './disk-image-file.js';
import { DiskRequests } from './disk-requests.js';
import { KeptFiles } from './kept-files.js';
import type { LauncherProcess } from './launcher.js';
import { numberAt } from './usage-files.js';

/** Disks of which the files that tell what they use stay open. */
const keptDisks = 32;

export class BtrfsDisks implements DiskBackend {
  readonly name = 'btrfs';
  readonly #requests: DiskRequests;
  /** By the disk's directory: where the kernel tells what it uses, as the launcher has found it. */
  readonly #groups = new Map<string, string>();
  readonly #files = new KeptFiles(keptDisks);

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

  readonly make = async (path: string): Promise<void> => {
    this.#note(path, await this.#requests.make(path));
  };

  /** As limit() reads it, which has to be asked first after a start. */
  readonly usage = ({ directory = '' }: ContainerDisk): DiskUsage | undefined => {
    const group = this.#groups.get(directory);
    if (group === undefined) return undefined;
    const allocated = this.#number(directory, group, 'referenced');
    const reserved = this.#number(directory, group, 'rsv_data');
    return allocated === undefined || reserved === undefined ? undefined : { bytes: allocated + reserved, inodes: undefined };
  };

  async limit({ directory = '' }: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    refuseInodeLimit(this, change);
    const { limits, usage, ...found } = await this.#requests.limit(directory, change.bytes);
    this.#note(directory, found);
    return { limits, usage };
  }

  readonly release = ({ directory = '' }: ContainerDisk): Promise<void> => {
    this.#groups.delete(directory);
    this.#files.forget(directory);
    return Promise.resolve();
  };

  #number(directory: string, group: string, name: string): bigint | undefined {
    const text = this.#files.readBytes(directory, group, name);
    return text === undefined ? undefined : numberAt(text);
  }

  #note(directory: string, { group }: { readonly group: string | undefined }): void {
    if (group !== undefined) this.#groups.set(directory, group);
  }
}

function isMounted(path: string): boolean {
  return lstatSync(path).dev !== lstatSync(dirname(path)).dev;
}
