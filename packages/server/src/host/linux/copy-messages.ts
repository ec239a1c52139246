/** COPY and its answers. */
import type { CopyCounts, CopyOrder, CopyResult } from '../copies.js';
import { FileOperation, Tag } from './wire.js';
import type { Attributes, FrameWriter } from './wire-codec.js';

/** Beyond that links are followed nowhere. */
const writableLimit = 1000;

/** A directory, whatever it is called. */
export interface DirectoryId {
  readonly device: bigint;
  readonly inode: bigint;
}

export function writeCopyOrder(writer: FrameWriter, order: CopyOrder, writable: readonly DirectoryId[]): void {
  const { direction, directory, source, destination, user, owner, keepSetId, entryLimit, byteLimit } = order;
  writer
    .u32(Tag.fileOperation, direction === 'in' ? FileOperation.copyIn : FileOperation.copyOut)
    .text(Tag.directory, directory)
    .text(Tag.source, source)
    .text(Tag.destination, destination)
    .u32(Tag.uid, user.uid)
    .u32(Tag.gid, user.gid)
    .text(Tag.workingDirectory, user.home)
    .u64(Tag.entryLimit, entryLimit)
    .u64(Tag.byteLimit, byteLimit);
  if (writable.length > writableLimit) writer.bytes(Tag.writableDirectory, Buffer.alloc(0));
  else for (const { device, inode } of writable) writer.bytes(Tag.writableDirectory, Buffer.from(BigUint64Array.of(device, inode).buffer));
  if (owner !== undefined) writer.u32(Tag.ownerUid, owner.uid).u32(Tag.ownerGid, owner.gid);
  if (keepSetId) writer.u32(Tag.keepSetId, 1);
}

export function readCopyCounts(report: Attributes): CopyCounts {
  return { entries: report.requiredU64(Tag.entries), bytes: report.requiredU64(Tag.bytes), skipped: report.requiredU64(Tag.skipped) };
}

export function readCopyResult(report: Attributes): CopyResult {
  return { ...readCopyCounts(report), skippedPaths: report.all(Tag.skippedPath).map((path) => path.toString('utf8')) };
}
