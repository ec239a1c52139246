// Frames: `<length in decimal>` CR LF `<length bytes>` CR LF. This file only frames; what the bytes mean is messages.ts.
//
// The decoder is incremental and pure. A frame that lies in one chunk is handed out as a view of that chunk; one that
// does not is gathered in a buffer that grows with what has arrived, and not with what the peer announced, unless that one
// is trusted: a header that promises 16 MiB costs nothing until they come. Every byte is looked at once, so n chunks cost O(n).
import { WardenError } from './error.js';

/** The largest payload accepted unless configured otherwise, in bytes. */
export const DEFAULT_MAX_FRAME_LENGTH = 16 * 1024 * 1024;

/** The largest payload a header of eight digits can announce, in bytes. */
export const MAX_FRAME_LENGTH = 99_999_999;

/** Memory for a payload that comes in pieces is so many times what has come, but no more than AHEAD_LENGTH bytes because of that. */
const AHEAD_FACTOR = 8;
const AHEAD_LENGTH = 1024 * 1024;

const CR = 0x0d;
const LF = 0x0a;
const MAX_DIGITS = 8;

export type FrameErrorReason = 'malformed_length' | 'leading_zero' | 'too_many_digits' | 'too_long' | 'missing_trailer' | 'truncated';

/** The bytes are not a frame: the connection cannot be understood any further and must be closed. */
export class FrameError extends WardenError {
  override readonly name = 'FrameError';
  readonly reason: FrameErrorReason;

  constructor(reason: FrameErrorReason, message: string) {
    super('protocol', message);
    this.reason = reason;
  }
}

export interface FrameDecoderOptions {
  /** The largest payload accepted, in bytes; a header that announces more is an error. */
  maxLength?: number | undefined;
  /** The peer sends what it announces: memory for a payload that comes in pieces is taken once, for all of it, and not as it grows. */
  isTrusted?: boolean | undefined;
  /** Gives memory of at least that size, with anything in it, for a payload that comes in pieces. */
  take?: ((sizeInBytes: number) => Buffer) | undefined;
}

const enum State { Digits, HeaderLf, Body, TrailerCr, TrailerLf, Failed }

/**
 * Cuts a stream of bytes into payloads: push() what arrived, then next() until it answers undefined.
 * Payloads may be views of a pushed chunk: do not reuse the chunk's memory while they are needed. Memory that is read into
 * again and again is lent instead, and what is still needed of it is copied by keep().
 */
export class FrameDecoder {
  readonly maxLength: number;
  readonly #isTrusted: boolean;
  readonly #take: (sizeInBytes: number) => Buffer;
  readonly #chunks: Uint8Array[] = [];
  #chunk: Uint8Array | undefined;
  #offset = 0;
  #unscanned = 0;
  #state: State = State.Digits;
  #digits = 0;
  #length = 0;
  #payload: Uint8Array | undefined;
  #gathered: Buffer | undefined;
  #filled = 0;
  #lent: Uint8Array | undefined;
  #isOwn = false;
  #error: FrameError | undefined;

  constructor(options: FrameDecoderOptions = {}) {
    const maxLength = options.maxLength ?? DEFAULT_MAX_FRAME_LENGTH;
    if (!Number.isInteger(maxLength) || maxLength < 0 || maxLength > MAX_FRAME_LENGTH) {
      throw new WardenError('invalid_argument', `maximum frame length must be an integer from 0 to ${MAX_FRAME_LENGTH} bytes, not ${maxLength}`);
    }
    this.maxLength = maxLength;
    this.#isTrusted = options.isTrusted ?? false;
    this.#take = options.take ?? ((sizeInBytes) => Buffer.allocUnsafeSlow(sizeInBytes));
  }

  /** Bytes kept in memory: pushed and not yet handed out. */
  get bufferedLength(): number {
    return this.#unscanned + this.#filled;
  }

  /** True between frames: everything that was pushed has been handed out. */
  get idle(): boolean {
    return this.#state === State.Digits && this.#digits === 0 && this.#unscanned === 0;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#error !== undefined) return;
    this.#unscanned += chunk.length;
    if (this.#chunk === undefined) {
      this.#chunk = chunk;
      this.#offset = 0;
    } else {
      this.#chunks.push(chunk);
    }
  }

  /** Pushes a chunk whose memory will be used again: as soon as keep() was called. */
  lend(chunk: Uint8Array): void {
    this.#lent = chunk;
    this.push(chunk);
  }

  /** Copies what is still needed of the chunk that was lent: of frames that are not whole there is nothing left to copy, mostly. */
  keep(): void {
    const lent = this.#lent;
    if (lent === undefined) return;
    this.#lent = undefined;
    if (this.#payload !== undefined && !this.#isOwn) {
      this.#payload = Buffer.from(this.#payload);
      this.#isOwn = true;
    }
    if (this.#chunk === lent) {
      this.#chunk = Buffer.from(lent.subarray(this.#offset));
      this.#offset = 0;
    } else if (this.#chunks.at(-1) === lent) {
      this.#chunks[this.#chunks.length - 1] = Buffer.from(lent);
    }
  }

  /** Whether the payload that was handed out last has memory of its own, and is no view of a chunk. */
  get isPayloadOwn(): boolean {
    return this.#isOwn;
  }

  /** The next payload, or undefined when more bytes are needed. Throws a FrameError, from then on at every call. */
  next(): Uint8Array | undefined {
    if (this.#error !== undefined) throw this.#error;
    for (let chunk = this.#chunk; chunk !== undefined; chunk = this.#chunk) {
      const payload = this.#scan(chunk);
      if (this.#offset === chunk.length) {
        this.#chunk = this.#chunks.shift();
        this.#offset = 0;
      }
      if (payload !== undefined) return payload;
    }
    return undefined;
  }

  /** To be called when the stream has ended: throws a FrameError when it ended inside a frame. */
  end(): void {
    if (this.#error !== undefined) throw this.#error;
    if (!this.idle) this.#fail('truncated', 'the stream ended inside a frame');
  }

  /** Works on the chunk from the current offset to its end, or to the end of one frame, which it returns. */
  #scan(chunk: Uint8Array): Uint8Array | undefined {
    const start = this.#offset;
    let offset = start;
    const size = chunk.length;
    while (offset < size) {
      switch (this.#state) {
        case State.Digits: {
          const byte = chunk[offset++] as number;
          if (byte >= 0x30 && byte <= 0x39) this.#digit(byte - 0x30);
          else if (byte === CR && this.#digits > 0) this.#state = State.HeaderLf;
          else this.#fail('malformed_length', `frame length has ${describe(byte)} where a ${this.#digits === 0 ? '' : 'CR or a '}digit belongs`);
          break;
        }
        case State.HeaderLf: {
          const byte = chunk[offset++] as number;
          if (byte !== LF) this.#fail('malformed_length', `frame length and CR are followed by ${describe(byte)} instead of LF`);
          if (this.#length > this.maxLength) this.#fail('too_long', `frame of ${this.#length} bytes is longer than the maximum of ${this.maxLength}`);
          this.#isOwn = false;
          if (this.#length === 0) this.#payload = chunk.subarray(0, 0);
          this.#state = this.#length === 0 ? State.TrailerCr : State.Body;
          break;
        }
        case State.Body: {
          const available = size - offset;
          const missing = this.#length - this.#filled;
          const taken = available < missing ? available : missing;
          if (this.#filled === 0 && taken === this.#length) {
            this.#payload = chunk.subarray(offset, offset + taken);
            this.#filled = taken;
            this.#state = State.TrailerCr;
          } else {
            this.#gather(chunk, offset, taken);
          }
          offset += taken;
          break;
        }
        case State.TrailerCr: {
          const byte = chunk[offset++] as number;
          if (byte !== CR) this.#fail('missing_trailer', `frame of ${this.#length} bytes is followed by ${describe(byte)} instead of CR LF`);
          this.#state = State.TrailerLf;
          break;
        }
        case State.TrailerLf: {
          const byte = chunk[offset++] as number;
          if (byte !== LF) this.#fail('missing_trailer', `frame of ${this.#length} bytes is followed by CR and ${describe(byte)} instead of CR LF`);
          const payload = this.#payload;
          this.#payload = undefined;
          this.#state = State.Digits;
          this.#digits = this.#length = this.#filled = 0;
          this.#unscanned -= offset - start;
          this.#offset = offset;
          return payload;
        }
        case State.Failed:
          return undefined;
      }
    }
    this.#unscanned -= offset - start;
    this.#offset = offset;
    return undefined;
  }

  #digit(digit: number): void {
    if (this.#digits === 1 && this.#length === 0) this.#fail('leading_zero', 'frame length has a leading zero');
    if (this.#digits === MAX_DIGITS) this.#fail('too_many_digits', `frame length has more than ${MAX_DIGITS} digits`);
    this.#length = this.#length * 10 + digit;
    this.#digits++;
  }

  /**
   * Appends to the buffer of a frame that is spread over chunks, and ends its body when it is whole. Doubling keeps all copying within twice the length. Up to a
   * mebibyte, for the pieces of files, it grows by more at once: what nobody has written to yet takes address space only.
   */
  #gather(chunk: Uint8Array, offset: number, length: number): void {
    const needed = this.#filled + length;
    let gathered = this.#gathered;
    if (gathered === undefined || gathered.length < needed) {
      const larger = this.#take(this.#isTrusted ? this.#length : Math.min(this.#length, Math.max(needed, 2 * this.#filled, Math.min(AHEAD_FACTOR * needed, AHEAD_LENGTH), 4096)));
      if (gathered !== undefined) gathered.copy(larger, 0, 0, this.#filled);
      this.#gathered = gathered = larger;
    }
    gathered.set(chunk.subarray(offset, offset + length), this.#filled);
    this.#filled = needed;
    if (needed < this.#length) return;
    this.#payload = gathered.subarray(0, needed);
    this.#isOwn = true;
    this.#gathered = undefined;
    this.#state = State.TrailerCr;
  }

  #fail(reason: FrameErrorReason, message: string): never {
    this.#state = State.Failed;
    this.#chunks.length = 0;
    this.#chunk = this.#gathered = this.#payload = this.#lent = undefined;
    this.#unscanned = this.#filled = 0;
    this.#error = new FrameError(reason, message);
    throw this.#error;
  }
}

function describe(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}

/** The number of decimal digits of a length. */
function digitsOf(length: number): number {
  let digits = 1;
  for (let limit = 10; length >= limit; limit *= 10) digits++;
  return digits;
}

/** Bytes a frame adds around a payload of that length. */
export function frameOverhead(length: number): number {
  return digitsOf(length) + 4;
}

/** Writes `<length>` CR LF at the offset and returns the offset behind it. */
export function writeFrameHeader(target: Uint8Array, offset: number, length: number): number {
  const digits = digitsOf(length);
  for (let at = offset + digits - 1, rest = length; at >= offset; at--) {
    target[at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  target[offset + digits] = CR;
  target[offset + digits + 1] = LF;
  return offset + digits + 2;
}

/** Writes the CR LF behind a payload and returns the offset behind it. */
export function writeFrameTrailer(target: Uint8Array, offset: number): number {
  target[offset] = CR;
  target[offset + 1] = LF;
  return offset + 2;
}

/** A frame around a payload; copies the payload once. */
export function encodeFrame(payload: Uint8Array): Buffer {
  if (payload.length > MAX_FRAME_LENGTH) {
    throw new FrameError('too_long', `a payload of ${payload.length} bytes does not fit a frame: the maximum is ${MAX_FRAME_LENGTH}`);
  }
  const frame = Buffer.allocUnsafe(payload.length + frameOverhead(payload.length));
  const offset = writeFrameHeader(frame, 0, payload.length);
  frame.set(payload, offset);
  writeFrameTrailer(frame, offset + payload.length);
  return frame;
}
