/**
 * Frames of attributes, as native/lib/wire.h lays them out: a writer that builds one frame, an incremental reader that cuts
 * a stream into frames, and access to the attributes of a body. Pure.
 */
import { WardenError } from 'warden-protocol';
import { attributeHeaderSize, headerSize, maximumBody } from './wire.js';

/** One frame: its type and its body, which is the receiver's to keep. */
export interface Frame {
  readonly type: number;
  readonly body: Buffer;
}

/** Characters. */
const shortText = 128;
const lastAscii = 0x7f;

/** Builds one frame. Not to be used again after frame(). */
export class FrameWriter {
  /** The description of a usual job fits in it. */
  #buffer = Buffer.allocUnsafe(1536);
  #length = headerSize;

  u32(tag: number, value: number): this {
    // First: it may be another buffer afterwards.
    const at = this.#attribute(tag, 4);
    storeU32(this.#buffer, at, value);
    return this;
  }

  u64(tag: number, value: bigint): this {
    const at = this.#attribute(tag, 8);
    this.#buffer.writeBigUInt64LE(value, at);
    return this;
  }

  /** @throws WardenError invalid_argument when the text has a NUL, which C could not see behind */
  text(tag: number, value: string): this {
    if (value.length <= shortText && this.#shortText(tag, value)) return this;
    if (value.includes('\0')) throw new WardenError('invalid_argument', 'text with a NUL character cannot be passed on');
    const size = Buffer.byteLength(value);
    const at = this.#attribute(tag, size);
    this.#buffer.write(value, at, size);
    return this;
  }

  bytes(tag: number, value: Uint8Array): this {
    const at = this.#attribute(tag, value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** Attributes that were written before: what attributes() gave. */
  raw(attributes: Uint8Array): this {
    const start = this.#length;
    this.#makeRoom(start + attributes.length);
    this.#buffer.set(attributes, start);
    this.#length = start + attributes.length;
    return this;
  }

  /** An attribute made of the attributes that `write` adds. */
  nested(tag: number, write: (writer: this) => void): this {
    const at = this.#attribute(tag, 0);
    write(this);
    this.#buffer.writeUInt32LE(this.#length - at, at - 4);
    return this;
  }

  /** What was written so far, without a frame around it. */
  attributes(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, headerSize, this.#length);
  }

  /** The frame. @throws WardenError invalid_argument when it is larger than the limit */
  frame(type: number): Buffer {
    const body = this.#length - headerSize;
    if (body > maximumBody) {
      throw new WardenError('invalid_argument', `the request is too large: ${body} bytes, the limit is ${maximumBody}`);
    }
    this.#buffer.writeUInt32LE(body, 0);
    this.#buffer.writeUInt16LE(type, 4);
    this.#buffer.writeUInt16LE(0, 6);
    return this.#buffer.subarray(0, this.#length);
  }

  /** Letter by letter, which for a short one costs less than a call for each step. False, and nothing is written: it has others than those of ASCII. */
  #shortText(tag: number, value: string): boolean {
    const before = this.#length;
    let at = this.#attribute(tag, value.length);
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code === 0 || code > lastAscii) {
        this.#length = before;
        return false;
      }
      this.#buffer[at++] = code;
    }
    return true;
  }

  /** Writes an attribute's header and makes room for `size` bytes; answers where they go. */
  #attribute(tag: number, size: number): number {
    const start = this.#length;
    const end = start + attributeHeaderSize + size;
    this.#makeRoom(end);
    const buffer = this.#buffer;
    buffer[start] = tag;
    buffer[start + 1] = tag >>> 8;
    buffer[start + 2] = buffer[start + 3] = 0;
    storeU32(buffer, start + 4, size);
    this.#length = end;
    return start + attributeHeaderSize;
  }

  #makeRoom(end: number): void {
    if (end <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(end, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

function storeU32(target: Buffer, at: number, value: number): void {
  if (value >>> 0 !== value) throw new WardenError('internal', `${value} is no u32`);
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

/** The header of a frame whose body is sent by itself. */
export function frameHeader(type: number, bodySize: number): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUInt32LE(bodySize, 0);
  header.writeUInt16LE(type, 4);
  return header;
}

function malformed(what: string): WardenError {
  return new WardenError('protocol', `malformed frame from a native program: ${what}`);
}

/** The attributes of one body, which are looked for in it when they are asked for: most bodies have few, and of these not all are wanted. */
export class Attributes {
  readonly #body: Buffer;

  /** @throws WardenError protocol when the body is not a sequence of attributes */
  constructor(body: Buffer) {
    for (let at = 0; at < body.length; ) {
      if (body.length - at < attributeHeaderSize) throw malformed('an attribute\'s header is cut off');
      const size = body.readUInt32LE(at + 4);
      if (size > body.length - at - attributeHeaderSize) throw malformed('an attribute is longer than its frame');
      at += attributeHeaderSize + size;
    }
    this.#body = body;
  }

  bytes(tag: number): Buffer | undefined {
    const at = this.#find(tag, 0);
    return at < 0 ? undefined : this.#value(at);
  }

  /** Every value with this tag, in order. */
  all(tag: number): Buffer[] {
    const values: Buffer[] = [];
    for (let at = this.#find(tag, 0); at >= 0; at = this.#find(tag, this.#behind(at))) values.push(this.#value(at));
    return values;
  }

  has(tag: number): boolean {
    return this.#find(tag, 0) >= 0;
  }

  /** Of the values with this tag that begin with a name and a NUL, what is behind these in the one with that name. */
  behindName(tag: number, name: string): Buffer | undefined {
    for (let at = this.#find(tag, 0); at >= 0; at = this.#find(tag, this.#behind(at))) {
      const start = at + attributeHeaderSize;
      let length = 0;
      while (length < name.length && this.#body[start + length] === name.charCodeAt(length)) length++;
      const behind = start + length + 1;
      if (length === name.length && behind <= this.#behind(at) && this.#body[behind - 1] === 0) return this.#body.subarray(behind, this.#behind(at));
    }
    return undefined;
  }

  text(tag: number): string | undefined {
    return this.bytes(tag)?.toString('utf8');
  }

  u32(tag: number): number | undefined {
    const at = this.#find(tag, 0);
    if (at < 0) return undefined;
    if (this.#behind(at) - at !== attributeHeaderSize + 4) throw malformed(`attribute ${tag} is not a u32`);
    return this.#body.readUInt32LE(at + attributeHeaderSize);
  }

  u64(tag: number): bigint | undefined {
    const value = this.bytes(tag);
    if (value === undefined) return undefined;
    if (value.length !== 8) throw malformed(`attribute ${tag} is not a u64`);
    return value.readBigUInt64LE(0);
  }

  /** The u32 of an attribute that must be there. */
  requiredU32(tag: number): number {
    const value = this.u32(tag);
    if (value === undefined) throw malformed(`attribute ${tag} is missing`);
    return value;
  }

  /** The u64 of an attribute that must be there. */
  requiredU64(tag: number): bigint {
    const value = this.u64(tag);
    if (value === undefined) throw malformed(`attribute ${tag} is missing`);
    return value;
  }

  /** Every text with this tag, in order. */
  texts(tag: number): string[] {
    return this.all(tag).map((value) => value.toString('utf8'));
  }

  /** Every nested attribute with this tag, in order. */
  nested(tag: number): Attributes[] {
    return this.all(tag).map((value) => new Attributes(value));
  }

  /** Where the next attribute with this tag begins, at the beginning of one or behind it; -1: there is none. */
  #find(tag: number, from: number): number {
    for (let at = from; at < this.#body.length; at = this.#behind(at)) {
      if (this.#body.readUInt16LE(at) === tag) return at;
    }
    return -1;
  }

  #behind(at: number): number {
    return at + attributeHeaderSize + this.#body.readUInt32LE(at + 4);
  }

  #value(at: number): Buffer {
    return this.#body.subarray(at + attributeHeaderSize, this.#behind(at));
  }
}

/**
 * Cuts a stream into frames. The bodies are copies, so that the caller may read into one buffer again and again.
 */
export class FrameReader {
  readonly #header = Buffer.alloc(headerSize);
  #headerLength = 0;
  #body: Buffer | undefined;
  #bodyLength = 0;

  /**
   * @param maximum largest body accepted, in bytes
   * @param take gives memory for a body
   */
  constructor(private readonly maximum: number = maximumBody, private readonly take: (sizeInBytes: number) => Buffer = (size) => Buffer.allocUnsafe(size)) {}

  /** Whether a frame has begun and not ended. */
  get partial(): boolean {
    return this.#headerLength > 0;
  }

  /**
   * Takes what arrived and calls `receive` for each frame that is complete.
   * @throws WardenError protocol when the stream cannot be a sequence of frames; it is of no use afterwards
   */
  push(chunk: Buffer, receive: (frame: Frame) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerLength < headerSize) {
        const taken = Math.min(headerSize - this.#headerLength, chunk.length - at);
        chunk.copy(this.#header, this.#headerLength, at, at + taken);
        this.#headerLength += taken;
        at += taken;
        if (this.#headerLength < headerSize) return;
        const size = this.#header.readUInt32LE(0);
        if (size > this.maximum) throw malformed(`a body of ${size} bytes, the limit is ${this.maximum}`);
        if (this.#header.readUInt16LE(6) !== 0) throw malformed('reserved bytes are not zero');
        this.#body = this.take(size);
        this.#bodyLength = 0;
      }
      const body = this.#body;
      if (body === undefined) return;
      const taken = Math.min(body.length - this.#bodyLength, chunk.length - at);
      chunk.copy(body, this.#bodyLength, at, at + taken);
      this.#bodyLength += taken;
      at += taken;
      if (this.#bodyLength < body.length) return;
      this.#body = undefined;
      this.#headerLength = 0;
      receive({ type: this.#header.readUInt16LE(4), body });
    }
  }
}
