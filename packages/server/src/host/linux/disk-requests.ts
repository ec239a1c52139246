/** The launcher's requests about disks that are file systems or parts of one: native/launcher/disk.h. */
import { constants } from 'node:os';
import { WardenError } from 'warden-protocol';
import type { DiskState } from '../disk.js';
import type { DiskRequestType, LauncherProcess } from './launcher.js';
import { StepError } from './step-error.js';
import { DiskKind, FrameType, Tag } from './wire.js';
import type { Attributes, FrameWriter } from './wire-codec.js';

export class DiskRequests {
  constructor(
    private readonly launcher: Pick<LauncherProcess, 'disk'>,
    private readonly kind: keyof typeof DiskKind,
  ) {}

  /** @param image file to mount at `path`, or the template of those that disks are made of; undefined: it is mounted already */
  async prepare(path: string, image?: string): Promise<void> {
    await this.#ask(FrameType.diskPrepare, path, (writer) => this.#name(writer, image));
  }

  async make(path: string, image?: string): Promise<{ readonly group: string | undefined }> {
    const reply = await this.#ask(FrameType.diskMake, path, (writer) => this.#name(writer, image));
    return { group: reply.text(Tag.diskGroup) };
  }

  /** @param bytes undefined: only read @throws WardenError invalid_argument when it cannot be that large */
  async limit(path: string, bytes: bigint | undefined): Promise<DiskState & { readonly group: string | undefined }> {
    const reply = await this.#ask(FrameType.disk, path, (writer) => void (bytes === undefined || writer.u64(Tag.byteLimit, bytes))).catch((error: unknown) => {
      if (!(error instanceof StepError) || error.errno !== constants.errno.ERANGE) throw error;
      throw new WardenError('invalid_argument', `byte_limit: ${bytes} is too much: ${error.detail ?? ''} (server.quota.image_size); 0 is no limit`, { cause: error });
    });
    return {
      limits: { bytes: reply.requiredU64(Tag.byteLimit), inodes: 0n },
      usage: { bytes: reply.requiredU64(Tag.bytesUsed), inodes: reply.u64(Tag.inodesUsed) },
      group: reply.text(Tag.diskGroup),
    };
  }

  #name(writer: FrameWriter, image: string | undefined): void {
    if (image !== undefined) writer.text(Tag.diskImage, image);
  }

  #ask(type: DiskRequestType, path: string, write: (writer: FrameWriter) => void): Promise<Attributes> {
    return this.launcher.disk(type, `request about the disk ${path}`, (writer) => write(writer.u32(Tag.diskKind, DiskKind[this.kind]).text(Tag.path, path)));
  }
}
