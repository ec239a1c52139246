/** Work on a container's files, done inside of it, with the rights of one of its users. */

/** Whose rights count. A name, `uid` or `uid:gid` is looked up in the container's own /etc/passwd, and its home directory is where relative paths begin. */
export type TransferUser =
  | { readonly uid: number; readonly gid: number; readonly privileged: boolean; readonly home: string }
  | { readonly name: string };

export type TransferOperation = 'read' | 'write' | 'list' | 'stat' | 'makeDirectory' | 'remove' | 'rename' | 'tarIn' | 'tarOut' | 'processes';

export type TransferFlag = 'noFollow' | 'recursive' | 'force' | 'create' | 'exclusive' | 'append' | 'truncate' | 'keepSetid' | 'keepOwner';

export interface TransferOrder {
  readonly operation: TransferOperation;
  readonly user: TransferUser;
  readonly path: Uint8Array;
  readonly flags?: readonly (TransferFlag | undefined)[];
  /** Of a rename: the new path; of an archive: the name of the root in it. */
  readonly target?: Uint8Array | undefined;
  readonly mode?: number | undefined;
  /** First byte. */
  readonly position?: bigint | undefined;
  /** In bytes. */
  readonly length?: bigint | undefined;
  readonly entryLimit?: bigint | undefined;
  readonly byteLimit?: bigint | undefined;
  /** Of a write: all of it; else it is written afterwards. */
  readonly content?: Uint8Array | undefined;
}

export interface FileEntry {
  /** In its directory; undefined when the order named the file. */
  readonly name: Uint8Array | undefined;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits, set-id bits and sticky. */
  readonly mode: number;
  /** As in the container. */
  readonly uid: number;
  readonly gid: number;
  readonly sizeInBytes: bigint;
  /** Since the epoch; 0 for before. */
  readonly modifiedNs: bigint;
  readonly hardLinks: number;
  /** Of a symbolic link. */
  readonly target: Uint8Array | undefined;
}

/** As the container knows it. What it is called is bytes of its own choice. */
export interface ProcessEntry {
  readonly pid: number;
  /** 0: none of the container's. */
  readonly parentPid: number;
  readonly uid: number;
  /** The letter of proc(5). */
  readonly state: string;
  readonly threads: number;
  readonly cpuTimeMs: bigint;
  readonly residentBytes: bigint;
  /** Since the epoch. */
  readonly startedMs: bigint;
  readonly name: Uint8Array | undefined;
  /** With a NUL between arguments; undefined: it has none. */
  readonly commandLine: Uint8Array | undefined;
}

/** Takes what a transfer brings; false: no more until resume(). */
export interface TransferSink {
  entries(entries: FileEntry[]): boolean;
  /** @param release may be called, once, when nobody looks at `data` any more: that memory is used for others then */
  content(data: Uint8Array, release?: () => void): boolean;
  /** Of the operation processes, which is the only one that has any. */
  processes?(processes: ProcessEntry[]): boolean;
}

export interface TransferEnd {
  /** Bytes that were read or written, or entries that were listed. */
  readonly length: bigint | undefined;
  /** Entries of an archive. */
  readonly entries: bigint | undefined;
  /** The limit has kept entries back. */
  readonly more: boolean;
  /** What was left out, one line each. */
  readonly notes: readonly string[];
}

/** One that is under way. Its errors are those of the operation, with the path in their message. */
export interface Transfer {
  /** When the files are open, and content may be written. */
  readonly opened: Promise<void>;
  readonly ended: Promise<TransferEnd>;
  /**
   * Settles when there is room for more: all before `data` was taken, or can be no more; once it is known why, it may reject with that.
   * @param taken called when nobody looks at `data` any more, which is behind that; or never
   */
  write(data: Uint8Array, taken?: () => void): Promise<void>;
  /** There is no more to write. */
  finish(): void;
  resume(): void;
  /** Breaks it off: what is there of it stays. */
  giveUp(): void;
}
