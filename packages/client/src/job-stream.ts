// The output of a job as it comes, and its end.
import type { AnyResponse, InfoResponse, StreamResponse } from 'warden-protocol';
import { Type, WardenError } from 'warden-protocol';
import type { Connection, Pending } from './connection.js';

/** A piece of output. The bytes of one piece may stop in the middle of a character. */
export interface OutputChunk {
  name: 'stdout' | 'stderr';
  data: Uint8Array;
}

/** How a streamed job ended. */
export interface StreamResult {
  /** 255 when the job was killed by a signal, or its status is unknown. */
  exitStatus: number;
  /** The container, when the job had ended. */
  info: InfoResponse | undefined;
}

/** Bytes that may wait for the reader before the server has to. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** Below this, bytes are copied out of the memory they were read into, which is larger and would live as long as they. */
const COPY_BELOW = 16 * 1024;

/** Bytes that keep no more memory alive than they should. */
export function ownedBytes(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) return new Uint8Array(0);
  return bytes.length < COPY_BELOW ? Uint8Array.prototype.slice.call(bytes) : bytes;
}

/**
 * Iterate over it for the output, once; then, or instead, ask result() for the end. Leaving the loop early gives the
 * stream up: the job goes on and keeps its output, but the connection is closed, and other calls on it fail. Output that
 * is not read holds up the connection, and then the server, but never the job.
 */
export class JobStream implements AsyncIterable<OutputChunk>, Pending {
  readonly type = Type.Stream;
  readonly #chunks: OutputChunk[] = [];
  #bytes = 0;
  #connection: Connection | undefined;
  #result: StreamResult | undefined;
  #error: WardenError | undefined;
  #iterated = false;
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #onEnd: () => void;

  /** @internal Made by WardenClient.stream. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** @internal The connection the request was sent on. */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /** @internal */
  reply(response: AnyResponse['response']): boolean {
    const { name, data, exitStatus, info } = response as StreamResponse;
    if (data !== undefined && data.length > 0) {
      this.#chunks.push({ name: name === 'stderr' ? 'stderr' : 'stdout', data: ownedBytes(data) });
      this.#bytes += data.length;
      if (this.#bytes >= HIGH_WATER_BYTES && exitStatus === undefined) this.#connection?.pause();
    }
    if (exitStatus !== undefined) {
      this.#result = { exitStatus, info };
      this.#end();
    }
    this.#notify();
    return exitStatus !== undefined;
  }

  /** @internal */
  fail(error: WardenError): void {
    this.#error ??= error;
    this.#end();
    this.#notify();
  }

  /** The end of the job. Reads and drops the output nobody has iterated over. */
  async result(): Promise<StreamResult> {
    if (!this.#iterated) for await (const _ of this);
    while (this.#result === undefined && this.#error === undefined) await this.#more();
    if (this.#result === undefined) throw this.#error ?? new WardenError('internal', 'a stream ended without a result');
    return this.#result;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, void> {
    if (this.#iterated) throw new WardenError('invalid_argument', 'a stream can be iterated over once');
    this.#iterated = true;
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#bytes -= chunk.data.length;
          if (this.#bytes < HIGH_WATER_BYTES / 2) this.#connection?.resume();
          yield chunk;
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else if (this.#result !== undefined) {
          return;
        } else {
          await this.#more();
        }
      }
    } finally {
      this.#chunks.length = 0;
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
