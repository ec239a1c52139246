/** Disks as subvolumes of one btrfs for the whole depot, which is an image in it: native/launcher/disk-btrfs.c. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerDisk, DiskLimits, DiskState } from '../disk.js';
import { refuseInodeLimit, type DiskBackend } from './disk-backend.js';
import { isAttached, makeBtrfsImage } from './disk-image.js';
import type { DiskRequestType, LauncherProcess } from './launcher.js';
import { DiskKind, FrameType, Tag } from './wire.js';
import type { Attributes, FrameWriter } from './wire-codec.js';

export class BtrfsDisks implements DiskBackend {
  readonly name = 'btrfs';

  /**
   * @param path directory of the disks, in the depot
   * @param image file in the depot
   * @param imageSizeInBytes null: nine tenths of what is free
   */
  constructor(
    private readonly path: string,
    private readonly image: string,
    private readonly imageSizeInBytes: number | null,
    private readonly launcher: Pick<LauncherProcess, 'disk'>,
  ) {}

  async prepare(): Promise<void> {
    if (isMounted(this.path)) {
      await this.#request(FrameType.diskPrepare, this.path);
      return;
    }
    // Of an image that no device has no container has anything, whatever is in it.
    if (!isAttached(this.image)) await makeBtrfsImage(this.image, this.imageSizeInBytes);
    await this.#request(FrameType.diskPrepare, this.path, (writer) => writer.text(Tag.diskImage, this.image));
  }

  readonly make = async (path: string): Promise<void> => {
    await this.#request(FrameType.diskMake, path);
  };

  async limit(disk: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    refuseInodeLimit(this, change);
    const reply = await this.#request(FrameType.disk, disk.directory ?? '', (writer) => {
      if (change.bytes !== undefined) writer.u64(Tag.byteLimit, change.bytes);
    });
    return {
      limits: { bytes: reply.requiredU64(Tag.byteLimit), inodes: 0n },
      usage: { bytes: reply.requiredU64(Tag.bytesUsed), inodes: reply.u64(Tag.inodesUsed) },
    };
  }

  #request(type: DiskRequestType, path: string, write: (writer: FrameWriter) => void = () => undefined): Promise<Attributes> {
    return this.launcher.disk(type, `request about the disk ${path}`, (writer) => write(writer.u32(Tag.diskKind, DiskKind.btrfs).text(Tag.path, path)));
  }
}

function isMounted(path: string): boolean {
  return lstatSync(path).dev !== lstatSync(dirname(path)).dev;
}
