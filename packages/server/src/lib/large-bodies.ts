/**
 * Memory for the bodies of large frames, used again. V8 counts fresh memory outside of its heap, and collects all garbage for every few
 * MiB of it: with output at full speed that was a third of the daemon's time.
 */

/** Smaller bodies are not worth it, and a few of them would hold as much memory as large ones. */
const smallestInBytes = 64 * 1024;
/** Pieces that are kept for the next bodies. */
const keptLimit = 16;

export class LargeBodies {
  readonly #free: ArrayBufferLike[] = [];

  /** @param largestInBytes larger bodies have memory of their own */
  constructor(private readonly largestInBytes: number) {}

  get kept(): number {
    return this.#free.length;
  }

  /** Memory of that size, with anything in it. */
  take(sizeInBytes: number): Buffer {
    const memory = this.takeAtLeast(sizeInBytes);
    return memory.length === sizeInBytes ? memory : memory.subarray(0, sizeInBytes);
  }

  /** The same, with all that there is of it. */
  takeAtLeast(sizeInBytes: number): Buffer {
    if (sizeInBytes < smallestInBytes || sizeInBytes > this.largestInBytes) return Buffer.allocUnsafe(sizeInBytes);
    const memory = this.#free.pop();
    return memory === undefined ? Buffer.allocUnsafeSlow(this.largestInBytes) : Buffer.from(memory);
  }

  /** To be called once for a body that nobody looks at any more. One for which it is not called is garbage like any other. */
  giveBack(body: Uint8Array): void {
    if (body.buffer.byteLength === this.largestInBytes && this.#free.length < keptLimit) this.#free.push(body.buffer);
  }
}
