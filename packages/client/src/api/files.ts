// The files of a box.
import { WardenError } from 'warden-protocol';
import type { CallOptions } from '../cancellation.js';
import { FileCalls, type FileConnection, type FileContent, type TarInResult } from '../file-calls.js';
import type { FileInfo } from '../file-info.js';
import type { FileStream, TarStream } from '../file-stream.js';
import type { TransferResult } from '../tree/transfer.js';
import type { BoxConnections } from './box-connections.js';

/** What every call about files takes. */
export interface FileOptions extends CallOptions {
  /** Whose rights count, and to whom belongs what is made: vcap unless given; `root` for root of the box, a name of its /etc/passwd, a uid, or uid:gid. */
  readonly user?: string | undefined;
}

/** Which part of a file is wanted. */
export interface FileReadOptions extends FileOptions {
  /** The first byte that is wanted. */
  readonly offset?: number | bigint | undefined;
  /** At most so many bytes. */
  readonly length?: number | bigint | undefined;
}

/** How a file is written. */
export interface FileWriteOptions extends FileOptions {
  /** Permission bits, also of a file that is there; a new one has 0o644. */
  readonly mode?: number | undefined;
  /** Behind what is in the file. */
  readonly append?: boolean | undefined;
  /** A file that is there already is an error. */
  readonly exclusive?: boolean | undefined;
  /** Over what is in the file from this byte on; without it the file is emptied first. */
  readonly offset?: number | bigint | undefined;
}

/** A path is one in the box, and a relative one begins in the home of the user; bytes are for names that are no UTF-8. */
type Path = string | Uint8Array;

/** `box.files`: over the connection, so the program and the server need not share a file system. Each call has a connection of its own while it is under way. */
export class BoxFiles {
  readonly #connections: BoxConnections;
  readonly #handle: string;
  readonly #streams: FileCalls;

  /** @internal Made by Box. */
  constructor(connections: BoxConnections, handle: string) {
    this.#connections = connections;
    this.#handle = handle;
    this.#streams = new FileCalls(streamsOf(connections));
  }

  /** The content of a file: `await box.files.read(path).text()`, `.bytes()`, or iterate over it for bytes as they come. */
  read(path: Path, { user, offset, length, ...options }: FileReadOptions = {}): FileStream {
    return this.#streams.read({ handle: this.#handle, path, user, offset, length }, options);
  }

  /**
   * Writes a file, which is made when it is not there. What has been written when it breaks off stays.
   * @returns how many bytes
   */
  write(path: Path, content: FileContent, { user, mode, append, exclusive, offset, ...options }: FileWriteOptions = {}): Promise<bigint> {
    return this.#alone((files) => files.write({ handle: this.#handle, path, user, mode, append, exclusive, offset }, content, options));
  }

  /** The entries of a directory, by name; of the user's home unless given. */
  list(path: Path = '.', { user, limit, ...options }: FileOptions & { readonly limit?: number | bigint | undefined } = {}): Promise<FileInfo[]> {
    return this.#alone((files) => files.list({ handle: this.#handle, path, user, limit }, options));
  }

  /** What is known of a file; with noFollow of a symbolic link itself. Rejects with not_found. */
  stat(path: Path, { user, noFollow, ...options }: FileOptions & { readonly noFollow?: boolean | undefined } = {}): Promise<FileInfo> {
    return this.#alone((files) => files.stat({ handle: this.#handle, path, user, noFollow }, options));
  }

  /** Whether there is such a file, or directory, that the user can see; a link that leads nowhere is none. */
  async exists(path: Path, options?: FileOptions): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (reason) {
      // An unknown box has the same code, and is no answer.
      if (reason instanceof WardenError && reason.code === 'not_found' && reason.message !== 'unknown handle') return false;
      throw reason;
    }
  }

  /** Makes a directory; with parents also what is missing on the way, and one that is there is no error. */
  makeDirectory(path: Path, { user, mode, parents, ...options }: FileOptions & { readonly mode?: number | undefined; readonly parents?: boolean | undefined } = {}): Promise<void> {
    return this.#alone((files) => files.makeDirectory({ handle: this.#handle, path, user, mode, parents }, options));
  }

  /** Removes a file, a link, or an empty directory; with recursive a directory with everything in it; with force what is not there is no error. */
  remove(path: Path, { user, recursive, force, ...options }: FileOptions & { readonly recursive?: boolean | undefined; readonly force?: boolean | undefined } = {}): Promise<void> {
    return this.#alone((files) => files.remove({ handle: this.#handle, path, user, recursive, force }, options));
  }

  /** Gives a file another name, replacing what has it; with exclusive that is an error. */
  rename(path: Path, newPath: Path, { user, exclusive, ...options }: FileOptions & { readonly exclusive?: boolean | undefined } = {}): Promise<void> {
    return this.#alone((files) => files.rename({ handle: this.#handle, path, newPath, user, exclusive }, options));
  }

  /** A local file or directory becomes `path` of the box: files, directories and links, with modes and times. A directory that is there gets what the other one has. */
  upload(source: string, path: Path, { user, ...options }: FileOptions = {}): Promise<TransferResult> {
    return this.#alone((files) => files.upload({ handle: this.#handle, path, user }, source, options));
  }

  /** A file or directory of the box becomes the local path `target`, and nothing of it gets anywhere else. A directory that is there gets what the other one has. */
  download(path: Path, target: string, { user, ...options }: FileOptions = {}): Promise<TransferResult> {
    return this.#alone((files) => files.download({ handle: this.#handle, path, user }, target, options));
  }

  /** Extracts a tar archive (ustar, pax or GNU, not compressed) below a directory that is there. */
  tarIn(path: Path, archive: FileContent, { user, keepSetid, keepOwner, ...options }: FileOptions & { readonly keepSetid?: boolean | undefined; readonly keepOwner?: boolean | undefined } = {}): Promise<TarInResult> {
    return this.#alone((files) => files.tarIn({ handle: this.#handle, path, user, keepSetid, keepOwner }, archive, options));
  }

  /** A tar archive (pax) of what is in a directory, or of a file: iterate over it, or ask for its bytes. */
  tarOut(path: Path, { user, name, keepSetid, ...options }: FileOptions & { readonly name?: string | Uint8Array | undefined; readonly keepSetid?: boolean | undefined } = {}): TarStream {
    return this.#streams.tarOut({ handle: this.#handle, path, user, name, keepSetid }, options);
  }

  /** The pieces of one transfer have to come over one connection. */
  #alone<T>(work: (files: FileCalls) => Promise<T>): Promise<T> {
    return this.#connections.alone((client) => work(client.files));
  }
}

/** What is read has a connection until its end: of whoever reads slowly nobody else may notice. */
function streamsOf(connections: BoxConnections): FileConnection {
  return {
    request: (type, request, options) => connections.alone((client) => client.request(type, request, options)),
    requestIn: (memory, type, request, options) => connections.alone((client) => client.requestIn(memory, type, request, options)),
    requestEach: (type, request, onReply, options) => connections.alone((client) => client.requestEach(type, request, onReply, options)),
    openStream: (make, name, encode, options) => {
      const client = connections.take();
      return client.openStream((onEnd) => make(() => {
        onEnd();
        connections.giveBack(client);
      }), name, encode, options);
    },
  };
}
