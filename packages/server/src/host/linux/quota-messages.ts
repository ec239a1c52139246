/** QUOTA and its answer. */
import { QuotaKind, Tag } from './wire.js';
import type { Attributes, FrameWriter } from './wire-codec.js';

/** Whose quota on which file system; limits that are missing stay as they are. */
export interface QuotaOrder {
  /** A directory of the file system. */
  readonly path: string;
  readonly kind: keyof typeof QuotaKind;
  /** Of a user or project, not 0; without it the project that the directory hands on. */
  readonly id?: number;
  /** In blocks of 1024 bytes; 0: none. */
  readonly blockLimit?: bigint;
  /** 0: none. */
  readonly inodeLimit?: bigint;
}

/** What the kernel counts and allows. */
export interface Quota {
  readonly bytesUsed: bigint;
  /** In blocks of 1024 bytes; 0: none. */
  readonly blockLimit: bigint;
  readonly inodesUsed: bigint;
  /** 0: none. */
  readonly inodeLimit: bigint;
  /** Whether writes beyond a limit fail; else they are only counted. */
  readonly enforced: boolean;
}

export function writeQuotaOrder(writer: FrameWriter, { path, kind, id, blockLimit, inodeLimit }: QuotaOrder): void {
  writer.text(Tag.path, path).u32(Tag.quotaKind, QuotaKind[kind]);
  if (id !== undefined) writer.u32(Tag.quotaId, id);
  if (blockLimit !== undefined) writer.u64(Tag.blockLimit, blockLimit);
  if (inodeLimit !== undefined) writer.u64(Tag.inodeLimit, inodeLimit);
}

export function readQuota(reply: Attributes): Quota {
  return {
    bytesUsed: reply.requiredU64(Tag.bytesUsed),
    blockLimit: reply.requiredU64(Tag.blockLimit),
    inodesUsed: reply.requiredU64(Tag.inodesUsed),
    inodeLimit: reply.requiredU64(Tag.inodeLimit),
    enforced: reply.requiredU32(Tag.quotaEnforced) === 1,
  };
}
