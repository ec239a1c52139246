// What is read piece by piece, for programs that block.
import { WardenError } from 'warden-protocol';
import { textOf } from '../api/text.js';

type Ask = (ask: 'next' | 'result' | 'leave') => unknown;

/** Iterate over it for the output, once; then, or instead, ask result() for the end. Leaving the loop early gives it up: the job goes on. */
export class BlockingOutput<Piece, Result> implements Iterable<Piece> {
  readonly #ask: Ask;
  #result: { readonly value: Result } | undefined;
  #left = false;

  /** @internal Made by BlockingClient. */
  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The end. Reads and drops the output nobody has iterated over. */
  result(): Result {
    if (this.#result === undefined) for (const _ of this);
    if (this.#result === undefined) throw new WardenError('canceled', 'the stream was given up');
    return this.#result.value;
  }

  *[Symbol.iterator](): Generator<Piece, void, void> {
    if (this.#left) throw new WardenError('invalid_argument', 'a stream can be iterated over once');
    this.#left = true;
    try {
      for (let piece = this.#ask('next'); piece !== undefined; piece = this.#ask('next')) yield piece as Piece;
      this.#result = { value: this.#ask('result') as Result };
    } finally {
      this.#ask('leave');
    }
  }
}

/** The content of a file, or an archive: iterate over it once, or ask for all of it. */
export class BlockingBytes<Result> extends BlockingOutput<Uint8Array, Result> {
  /** All of it. */
  bytes(): Uint8Array {
    const pieces = [...this];
    return pieces.length === 1 ? pieces[0] as Uint8Array : Buffer.concat(pieces);
  }

  /** All of it as UTF-8. */
  text(): string {
    return textOf(this.bytes());
  }
}
