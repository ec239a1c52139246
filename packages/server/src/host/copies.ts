/** Copies between the host and a container, as the container code needs them. */

/** What is to be copied where. Paths on the host are absolute; those in the container begin at `home` when they are not. */
export interface CopyOrder {
  readonly direction: 'in' | 'out';
  /** The container's directory. */
  readonly directory: string;
  readonly source: string;
  readonly destination: string;
  /** Whose rights the container's side has, in the container's ids. */
  readonly user: { readonly uid: number; readonly gid: number; readonly home: string };
  /** Directories of the host that containers can write to: the path on the host follows no link below them. */
  readonly writable: readonly string[];
  /** Of copies on the host; undefined: root. */
  readonly owner: HostOwner | undefined;
  readonly keepSetId: boolean;
  readonly entryLimit: bigint;
  /** Of contents. */
  readonly byteLimit: bigint;
}

/** A user and a group of the host, by number. */
export interface HostOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface CopyCounts {
  /** Files, directories and links that were made. */
  readonly entries: bigint;
  /** Bytes of contents. */
  readonly bytes: bigint;
  /** Devices, sockets and FIFOs that were left out. */
  readonly skipped: bigint;
}

export interface CopyResult extends CopyCounts {
  /** The first of the paths that were left out, from the source on. */
  readonly skippedPaths: readonly string[];
}

/** A copy under way. */
export interface Copying {
  /** Rejects with the code canceled after giveUp(), unless it was done already. */
  readonly done: Promise<CopyResult>;
  /** Entries that are whole stay. */
  giveUp(): void;
}

/** Who is who on the host. */
export interface Accounts {
  /**
   * Whom `USER`, `USER:GROUP`, `USER:` or `:GROUP` names; without a group of its own it is root's.
   * @throws WardenError invalid_argument: neither a name nor a number; not_found: there is none of that name
   */
  owner(text: string): HostOwner;
}
