// A request that is answered piece by piece: the pieces as they come, and what the last answer says.
import { type AnyResponse, type RequestType, WardenError } from 'warden-protocol';
import type { Connection, Pending } from './connection.js';

/** What one answer brings: a piece, the end, or both. */
export interface Part<Piece, Result> {
  readonly piece?: Piece | undefined;
  readonly result?: Result | undefined;
}

/** Bytes that may wait for the reader before the server has to. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * Iterate over it for the output, once; then, or instead, ask result() for the end. Leaving the loop early gives the
 * stream up: the job goes on and keeps its output, but the connection is closed, and other calls on it fail. Output that
 * is not read holds up the connection, and then the server, but never the job.
 */
export abstract class ReplyStream<Piece extends { readonly data: Uint8Array }, Result> implements AsyncIterable<Piece>, Pending {
  abstract readonly type: RequestType;
  readonly #pieces: Piece[] = [];
  #bytes = 0;
  #connection: Connection | undefined;
  #result: Result | undefined;
  #error: WardenError | undefined;
  #iterated = false;
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #onEnd: () => void;

  /** @internal Made by WardenClient. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** @internal The connection the request was sent on. */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /** @internal */
  protected abstract read(response: AnyResponse['response']): Part<Piece, Result>;

  /** @internal */
  reply(response: AnyResponse['response']): boolean {
    const { piece, result } = this.read(response);
    if (piece !== undefined && piece.data.length > 0) {
      this.#pieces.push(piece);
      this.#bytes += piece.data.length;
      if (this.#bytes >= HIGH_WATER_BYTES && result === undefined) this.#connection?.pause();
    }
    if (result !== undefined) {
      this.#result = result;
      this.#end();
    }
    this.#notify();
    return result !== undefined;
  }

  /** @internal */
  fail(error: WardenError): void {
    this.#error ??= error;
    this.#end();
    this.#notify();
  }

  /** The end of the job. Reads and drops the output nobody has iterated over. */
  async result(): Promise<Result> {
    if (!this.#iterated) for await (const _ of this);
    while (this.#result === undefined && this.#error === undefined) await this.#more();
    if (this.#result === undefined) throw this.#error ?? new WardenError('internal', 'a stream ended without a result');
    return this.#result;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece, void, void> {
    if (this.#iterated) throw new WardenError('invalid_argument', 'a stream can be iterated over once');
    this.#iterated = true;
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#bytes -= piece.data.length;
          if (this.#bytes < HIGH_WATER_BYTES / 2) this.#connection?.resume();
          yield piece;
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else if (this.#result !== undefined) {
          return;
        } else {
          await this.#more();
        }
      }
    } finally {
      this.#pieces.length = 0;
      this.#connection?.abandon(this, new WardenError('canceled', 'the stream was given up'));
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        before?.();
        resolve();
      };
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}
