// The content of a file of a container, and an archive of its files, as they come.
import { type AnyResponse, type ReadFileResponse, type TarOutResponse, Type } from 'warden-protocol';
import { type FileInfo, fileInfo } from './file-info.js';
import { type Part, ReplyStream } from './reply-stream.js';

interface Content {
  readonly data: Uint8Array;
}

/** How reading a file ended. */
export interface FileResult {
  /** The file when it was opened. */
  readonly info: FileInfo;
}

/** How an archive ended. */
export interface TarResult {
  /** How many entries it has. */
  readonly entries: number;
  /** What was left out, and why; the first hundred. */
  readonly notes: readonly string[];
}

/** @internal */
export class FileReplies extends ReplyStream<Content, FileResult> {
  readonly type = Type.ReadFile;
  #info: FileInfo | undefined;

  protected override read(response: AnyResponse['response']): Part<Content, FileResult> {
    const { entry, data, last } = response as ReadFileResponse;
    if (entry !== undefined) this.#info = fileInfo(entry);
    return { piece: data === undefined ? undefined : { data }, result: last === true && this.#info !== undefined ? { info: this.#info } : undefined };
  }
}

/** @internal */
export class TarReplies extends ReplyStream<Content, TarResult> {
  readonly type = Type.TarOut;

  protected override read(response: AnyResponse['response']): Part<Content, TarResult> {
    const { data, last, entries, notes } = response as TarOutResponse;
    return { piece: data === undefined ? undefined : { data }, result: last === true ? { entries: Number(entries ?? 0n), notes } : undefined };
  }
}

/**
 * Bytes as they come: iterate over it once, or ask for all of them. Leaving the loop early gives it up, and with it the
 * connection, so that other calls on it fail. What is not read holds up the connection, and then the container's side.
 */
abstract class ByteStream<Result> implements AsyncIterable<Uint8Array> {
  readonly #replies: ReplyStream<Content, Result>;

  /** @internal Made by FileCalls. */
  constructor(replies: ReplyStream<Content, Result>) {
    this.#replies = replies;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for await (const { data } of this.#replies) yield data;
  }

  /** All of it. */
  async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this) pieces.push(piece);
    return pieces.length === 1 ? pieces[0] as Uint8Array : Buffer.concat(pieces);
  }

  /** All of it as UTF-8. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /** Its end. Reads and drops what nobody has iterated over. */
  result(): Promise<Result> {
    return this.#replies.result();
  }
}

/** The content of a file. */
export class FileStream extends ByteStream<FileResult> {}

/** A tar archive. */
export class TarStream extends ByteStream<TarResult> {}
