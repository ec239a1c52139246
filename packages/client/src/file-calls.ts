// Calls about a container's files: `client.files.read(…)`. They work over the connection: client and server need not share a file system.
import { encodeRequest, type RequestInit, type RequestType, type ResponseOf, Type, WardenError } from 'warden-protocol';
import type { CallOptions } from './cancellation.js';
import { type FileInfo, fileInfo } from './file-info.js';
import { FileReplies, FileStream, TarReplies, TarStream } from './file-stream.js';
import { wholeNumber } from './job-request.js';
import type { ReplyStream } from './reply-stream.js';
import { downloadTree, type TransferResult, uploadTree } from './tree/transfer.js';

/** Which file of which container, and whose rights count. */
export interface FileRequest {
  readonly handle: string;
  /** In the container; a relative path begins in the home directory of the user. Bytes for a name that is no UTF-8. */
  readonly path: string | Uint8Array;
  /** vcap unless given: `root` for root of the container, a name of its /etc/passwd, a uid, or uid:gid. */
  readonly user?: string | undefined;
}

/** Content: bytes, text that is written as UTF-8, or pieces of either as they come. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

export interface ReadOptions extends FileRequest {
  /** The first byte that is wanted. */
  readonly offset?: number | bigint | undefined;
  /** At most so many bytes. */
  readonly length?: number | bigint | undefined;
}

export interface WriteOptions extends FileRequest {
  /** Permission bits, also of a file that is there; a new one has 0o644. */
  readonly mode?: number | undefined;
  /** Behind what is in the file. */
  readonly append?: boolean | undefined;
  /** A file that is there already is an error. */
  readonly exclusive?: boolean | undefined;
  /** Over what is in the file from this byte on; without it the file is emptied first. */
  readonly offset?: number | bigint | undefined;
}

export interface TarInOptions extends FileRequest {
  /** Keep set-user-id and set-group-id bits, which are dropped otherwise. */
  readonly keepSetid?: boolean | undefined;
  /** As root: the archive's ids; without it everything belongs to the user. */
  readonly keepOwner?: boolean | undefined;
}

export interface TarOutOptions extends FileRequest {
  /** What the archive calls it; `.` for a directory, its own name for a file. */
  readonly name?: string | Uint8Array | undefined;
  readonly keepSetid?: boolean | undefined;
}

/** What was extracted. */
export interface TarInResult {
  readonly entries: number;
  readonly sizeInBytes: bigint;
  /** What was left out, and why; the first hundred. */
  readonly notes: readonly string[];
}

/** @internal What carries the requests. */
export interface FileConnection {
  request<T extends Exclude<RequestType, Type.Stream | Type.Logs>>(type: T, request: RequestInit<T>, options?: CallOptions): Promise<ResponseOf<T>>;
  requestIn<T extends Exclude<RequestType, Type.Stream | Type.Logs>>(memory: Buffer, type: T, request: RequestInit<T>, options?: CallOptions): Promise<ResponseOf<T>>;
  requestEach<T extends RequestType>(type: T, request: RequestInit<T>, onReply: ((response: ResponseOf<T>) => void) | undefined, options?: CallOptions): Promise<ResponseOf<T>>;
  openStream<S extends ReplyStream<{ readonly data: Uint8Array }, unknown>>(make: (onEnd: () => void) => S, name: string, encode: () => Uint8Array, options: CallOptions | undefined): S;
}

/** Of one request. */
const PIECE = 256 * 1024;
/** A piece with what is around it. */
const PIECE_FRAME = PIECE + 64;
/** Pieces on their way: enough to keep the other side busy. */
const WINDOW = 4;

let lastTransferId = 0;

/** `client.files`: work on a container's files over the connection, with the rights of one of its users. */
export class FileCalls {
  readonly #connection: FileConnection;

  /** @internal Made by WardenClient. */
  constructor(connection: FileConnection) {
    this.#connection = connection;
  }

  /** The content of a regular file: `await client.files.read({ handle, path }).text()`, or iterate over it. */
  read({ offset, length, ...request }: ReadOptions, options?: CallOptions): FileStream {
    const encode = (): Uint8Array => encodeRequest(Type.ReadFile, {
      ...wire(request), ...(offset === undefined ? {} : { offset: wholeNumber('offset', offset) }), ...(length === undefined ? {} : { length: wholeNumber('length', length) }),
    });
    return new FileStream(this.#connection.openStream((onEnd) => new FileReplies(onEnd), 'read_file', encode, options));
  }

  /**
   * Writes a regular file, which is made when it is not there. What has been written when it breaks off stays.
   * @returns how many bytes
   */
  async write({ offset, ...request }: WriteOptions, content: FileContent, options?: CallOptions): Promise<bigint> {
    const fields = { ...wire(request), ...(offset === undefined ? {} : { offset: wholeNumber('offset', offset) }) };
    const whole = typeof content === 'string' ? Buffer.from(content) : content;
    if (whole instanceof Uint8Array && whole.length <= PIECE) {
      return (await this.#connection.request(Type.WriteFile, { ...fields, data: whole }, options)).sizeInBytes ?? 0n;
    }
    const transferId = nextTransferId();
    await this.#connection.request(Type.WriteFile, { ...fields, transferId }, options);
    return (await this.#send(transferId, whole, options)).sizeInBytes ?? 0n;
  }

  /** The entries of a directory, by name. */
  async list({ limit, ...request }: FileRequest & { readonly limit?: number | bigint | undefined }, options?: CallOptions): Promise<FileInfo[]> {
    const found: FileInfo[] = [];
    const fields = { ...wire(request), ...(limit === undefined ? {} : { limit: wholeNumber('limit', limit) }) };
    await this.#connection.requestEach(Type.ListFiles, fields, ({ entries }) => void found.push(...entries.map(fileInfo)), options);
    return found.sort((left, right) => Buffer.compare(left.nameBytes, right.nameBytes));
  }

  /** What is known of a file; with noFollow of a symbolic link itself. */
  async stat({ noFollow, ...request }: FileRequest & { readonly noFollow?: boolean | undefined }, options?: CallOptions): Promise<FileInfo> {
    return fileInfo((await this.#connection.request(Type.StatFile, { ...wire(request), noFollow }, options)).entry);
  }

  /** Makes a directory; with parents also what is missing on the way, and one that is there is no error. */
  async makeDirectory(request: FileRequest & { readonly mode?: number | undefined; readonly parents?: boolean | undefined }, options?: CallOptions): Promise<void> {
    await this.#connection.request(Type.MakeDirectory, wire(request), options);
  }

  /** Removes a file, a link, or an empty directory; with recursive a directory with everything in it; with force what is not there is no error. */
  async remove(request: FileRequest & { readonly recursive?: boolean | undefined; readonly force?: boolean | undefined }, options?: CallOptions): Promise<void> {
    await this.#connection.request(Type.RemoveFile, wire(request), options);
  }

  /** Gives a file another name, replacing what has it; with exclusive that is an error. */
  async rename({ newPath, ...request }: FileRequest & { readonly newPath: string | Uint8Array; readonly exclusive?: boolean | undefined }, options?: CallOptions): Promise<void> {
    await this.#connection.request(Type.RenameFile, { ...wire(request), newPath: bytesOf(newPath) }, options);
  }

  /** Extracts a tar archive (ustar, pax or GNU, not compressed) below a directory that is there. */
  async tarIn(request: TarInOptions, archive: FileContent, options?: CallOptions): Promise<TarInResult> {
    const transferId = nextTransferId();
    await this.#connection.request(Type.TarIn, { ...wire(request), transferId }, options);
    const { entries = 0n, sizeInBytes = 0n, notes } = await this.#send(transferId, archive, options);
    return { entries: Number(entries), sizeInBytes, notes };
  }

  /** A tar archive (pax) of what is in a directory, or of a file. */
  tarOut({ name, ...request }: TarOutOptions, options?: CallOptions): TarStream {
    const encode = (): Uint8Array => encodeRequest(Type.TarOut, { ...wire(request), ...(name === undefined ? {} : { name: bytesOf(name) }) });
    return new TarStream(this.#connection.openStream((onEnd) => new TarReplies(onEnd), 'tar_out', encode, options));
  }

  /**
   * A local file or directory becomes `path` of the container: files, directories and symbolic links with their modes and times. A directory that is
   * there gets what the other one has.
   */
  upload(request: FileRequest, source: string, options?: CallOptions): Promise<TransferResult> {
    return uploadTree(this, request, source, options);
  }

  /**
   * A file or directory of the container becomes the local path `target`: a file when it is whole, a directory entry by entry. A directory that is there
   * gets what the other one has. Nothing of what comes gets outside of it, whatever the container says.
   */
  download(request: FileRequest, target: string, options?: CallOptions): Promise<TransferResult> {
    return downloadTree(this, request, target, options);
  }

  /** Some pieces are on their way while the next one is waited for. The answer to the last one is that of the transfer. */
  async #send(transferId: number, content: FileContent, options: CallOptions | undefined): Promise<ResponseOf<Type.TransferData>> {
    const onTheirWay: { readonly memory: Buffer; readonly sent: Promise<unknown> }[] = [];
    try {
      for await (const data of pieces(content)) {
        const first = onTheirWay.length >= WINDOW ? onTheirWay.shift() : undefined;
        await first?.sent;
        // A piece that was answered is not on its way any more: fresh memory for each would be most of the work.
        const memory = first?.memory ?? Buffer.allocUnsafeSlow(PIECE_FRAME);
        const sent = this.#connection.requestIn(memory, Type.TransferData, { transferId, data }, options);
        // Waited for in its turn; until then nobody else sees it fail.
        sent.catch(() => undefined);
        onTheirWay.push({ memory, sent });
      }
      for (const { sent } of onTheirWay) await sent;
      return await this.#connection.request(Type.TransferData, { transferId, last: true }, options);
    } catch (reason) {
      const giveUp = (): Promise<unknown> => this.#connection.request(Type.TransferData, { transferId, abandon: true }).catch(() => undefined);
      if (!(reason instanceof WardenError)) await giveUp();
      // Whoever has canceled it does not wait for the answer: it comes behind those of the pieces that are on their way.
      else if (reason.code === 'canceled' || reason.code === 'timeout') void giveUp();
      throw reason;
    }
  }
}

function nextTransferId(): number {
  lastTransferId = (lastTransferId + 1) % 0xffff_ffff;
  return lastTransferId;
}

function wire<R extends { readonly path: string | Uint8Array }>({ path, ...rest }: R): Omit<R, 'path'> & { readonly path: Uint8Array } {
  return { ...rest, path: bytesOf(path) };
}

export function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

async function* pieces(content: FileContent): AsyncGenerator<Uint8Array, void, void> {
  const parts = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
  for await (const part of parts) {
    const bytes = bytesOf(part);
    for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
  }
}
