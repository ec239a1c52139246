// Reads what a message is made of. The forms that every encoder writes are read here: tags and numbers of one or two bytes, short ASCII. Everything
// else, of which strangers may send any, is left to the library's reader.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Characters up to which text is looked at one by one: below, that costs less than a decoder. */
const SHORT_TEXT = 32;

/** A leading U+FEFF is text. */
const textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class WireReader {
  /** Whether the text that was read last is ASCII; false also where nobody has looked. */
  isAscii = false;
  #library: BinaryReader | undefined;

  constructor(readonly bytes: Uint8Array, public pos = 0) {}

  /** Number of the field and wire type, as they come: number * 8 + type. */
  tag(): number {
    const first = this.bytes[this.pos];
    if (first !== undefined && first >= 0x08 && first < 0x80 && (first & 7) <= WireType.Bit32) {
      this.pos++;
      return first;
    }
    const second = this.bytes[this.pos + 1];
    if (first !== undefined && second !== undefined && first >= 0x80 && second > 0 && second < 0x80 && (first & 7) <= WireType.Bit32) {
      this.pos += 2;
      return (first & 0x7f) | (second << 7);
    }
    return this.#by((library) => {
      const [number, wireType] = library.tag();
      return number * 8 + wireType;
    });
  }

  uint32(): number {
    const first = this.bytes[this.pos];
    if (first !== undefined && first < 0x80) {
      this.pos++;
      return first;
    }
    const second = this.bytes[this.pos + 1];
    if (first !== undefined && second !== undefined && second < 0x80) {
      this.pos += 2;
      return (first & 0x7f) | (second << 7);
    }
    return this.#by((library) => library.uint32());
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): bigint {
    const first = this.bytes[this.pos];
    if (first !== undefined && first < 0x80) {
      this.pos++;
      return BigInt(first);
    }
    return this.#by((library) => BigInt(library.uint64()));
  }

  bool(): boolean {
    const first = this.bytes[this.pos];
    if (first !== undefined && first < 0x80) {
      this.pos++;
      return first !== 0;
    }
    return this.#by((library) => library.bool());
  }

  /** Where what is announced next ends. Throws when there is less. */
  end(): number {
    const length = this.uint32();
    const end = this.pos + length;
    if (end > this.bytes.length) throw new RangeError('premature EOF');
    return end;
  }

  /** A view. */
  view(): Uint8Array {
    const end = this.end();
    const start = this.pos;
    this.pos = end;
    return this.bytes.subarray(start, end);
  }

  /** A copy of bytes, each of which is a character: the cheapest one there is of a few hundred. */
  latin1(): string {
    const end = this.end();
    const start = this.pos;
    this.pos = end;
    return Buffer.prototype.latin1Slice.call(this.bytes, start, end);
  }

  /** What is not UTF-8 becomes U+FFFD. */
  text(): string {
    const end = this.end();
    const start = this.pos;
    this.pos = end;
    const { bytes } = this;
    this.isAscii = false;
    if (end - start > SHORT_TEXT) return textDecoder.decode(bytes.subarray(start, end));
    const codes = new Array<number>(end - start);
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte >= 0x80) return textDecoder.decode(bytes.subarray(start, end));
      codes[at - start] = byte;
    }
    this.isAscii = true;
    return String.fromCharCode.apply(String, codes);
  }

  /** Passes over the value behind a tag. */
  skip(tag: number, recursionLimit: number): void {
    this.#by((library) => library.skip(tag & 7, tag >>> 3, recursionLimit));
  }

  #by<T>(read: (library: BinaryReader) => T): T {
    const library = this.#library ??= new BinaryReader(this.bytes);
    library.pos = this.pos;
    const value = read(library);
    this.pos = library.pos;
    return value;
  }
}
