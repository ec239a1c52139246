// What is known of a file, as programs want it.
import type { FileEntry } from 'warden-protocol';

export type FileKind = 'file' | 'directory' | 'link' | 'other';

export interface FileInfo {
  /** In its directory, read as UTF-8; empty when the call has named the file. */
  readonly name: string;
  /** The same as it is. */
  readonly nameBytes: Uint8Array;
  readonly kind: FileKind;
  /** Permission bits, set-id bits and sticky. */
  readonly mode: number;
  /** As in the container. */
  readonly uid: number;
  readonly gid: number;
  readonly sizeInBytes: bigint;
  /** Nanoseconds since the epoch; 0 when it was before. */
  readonly modifiedNs: bigint;
  readonly modified: Date;
  readonly hardLinks: number;
  /** Where a symbolic link leads, read as UTF-8. */
  readonly target?: string;
}

export function fileInfo({ name = new Uint8Array(0), kind, mode, uid, gid, sizeInBytes, modifiedNs, hardLinks, target }: FileEntry): FileInfo {
  return {
    name: Buffer.from(name).toString(), nameBytes: Uint8Array.prototype.slice.call(name), kind: isKind(kind) ? kind : 'other', mode, uid, gid, sizeInBytes, modifiedNs,
    modified: new Date(Number(modifiedNs / 1_000_000n)), hardLinks, ...(target === undefined ? {} : { target: Buffer.from(target).toString() }),
  };
}

function isKind(kind: string): kind is FileKind {
  return kind === 'file' || kind === 'directory' || kind === 'link' || kind === 'other';
}
